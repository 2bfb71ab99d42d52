// The harbour's facts: tides, ferries and notices. All of it is made up; nobody should sail by it.

const HOUR = 3600 * 1000;
const DAY = 24 * HOUR;
const MOON_HALF_DAY = 12.42 * HOUR;

/** Metres above the chart's zero at a time in milliseconds. */
export function tideLevel(time) {
  const swing = 1.4 * Math.sin((2 * Math.PI * time) / MOON_HALF_DAY);
  const daily = 0.35 * Math.sin((2 * Math.PI * time) / (2 * MOON_HALF_DAY) + 0.8);
  return 2.2 + swing + daily;
}

/** High and low waters after `from`, soonest first: `{time, level, high}`. */
export function tideTurns(from, count) {
  const step = 6 * 60 * 1000;
  const turns = [];
  for (let time = from + step; turns.length < count && time < from + 8 * DAY; time += step) {
    const [before, now, next] = [time - step, time, time + step].map(tideLevel);
    if ((now - before) * (next - now) <= 0 && now !== before) turns.push({ time, level: now, high: now > before });
  }
  return turns;
}

/** The day's levels, one for each hour, as parts of the highest possible one. */
export function tideDay(midnight) {
  return Array.from({ length: 24 }, (_, hour) => ({ hour, part: tideLevel(midnight + hour * HOUR) / 3.95 }));
}

export const islands = [
  { id: 'lighthouse', name: '灯塔岛' },
  { id: 'plum', name: '梅屿' },
  { id: 'bell', name: '钟礁' },
];

export const ferries = [
  { at: '06:40', boat: '白鹭号', to: 'lighthouse', pier: 1 },
  { at: '08:15', boat: '海燕号', to: 'plum', pier: 2 },
  { at: '09:50', boat: '信天翁号', to: 'bell', pier: 3 },
  { at: '12:30', boat: '白鹭号', to: 'lighthouse', pier: 1 },
  { at: '14:05', boat: '海燕号', to: 'bell', pier: 2 },
  { at: '16:20', boat: '信天翁号', to: 'plum', pier: 3 },
  { at: '18:45', boat: '白鹭号', to: 'lighthouse', pier: 1 },
  { at: '21:10', boat: '海燕号', to: 'plum', pier: 2 },
];

export const notices = [
  { mark: '⚓', text: '三号泊位上午清淤，信天翁号改靠四号浮桥。' },
  { mark: '🐟', text: '今晨到港：带鱼、鲳鱼，西码头过秤。' },
  { mark: '🕯', text: '灯塔周三检修，当晚以雾钟代灯。' },
  { mark: '🐈', text: '码头猫已喂，请勿再投虾皮。' },
];

export const clockText = (time) => {
  const date = new Date(time);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}`;
};

export const dayText = (time) => {
  const date = new Date(time);
  return `${date.getMonth() + 1}月${date.getDate()}日 周${'日一二三四五六'[date.getDay()]}`;
};

export const midnightOf = (time) => new Date(time).setHours(0, 0, 0, 0);

const pad = (number) => String(number).padStart(2, '0');

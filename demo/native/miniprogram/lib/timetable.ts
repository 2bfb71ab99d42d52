// The harbour's ferries and islands, and what time does to them. All of it is made up; nobody should wait for these boats.
import dayjs from 'dayjs';

export interface Island {
  id: string;
  name: string;
  minutes: number;
  about: string;
}

export interface Ferry {
  at: string;
  boat: string;
  to: string;
  pier: number;
}

export interface Departure extends Ferry {
  gone: boolean;
  hint: string;
}

export const islands: Island[] = [
  { id: 'lighthouse', name: '灯塔岛', minutes: 25, about: '登塔一百二十七级，塔顶能看见整个港湾。雾天敲钟，周三检修。' },
  { id: 'plum', name: '梅屿', minutes: 40, about: '二月看花，六月摘果。末班船不等人，岛上没有客栈。' },
  { id: 'bell', name: '钟礁', minutes: 55, about: '退潮时露出三块礁石，浪打上去像敲钟。只在风平时靠岸。' },
];

export const ferries: Ferry[] = [
  { at: '06:40', boat: '白鹭号', to: 'lighthouse', pier: 1 },
  { at: '08:15', boat: '海燕号', to: 'plum', pier: 2 },
  { at: '09:50', boat: '信天翁号', to: 'bell', pier: 3 },
  { at: '12:30', boat: '白鹭号', to: 'lighthouse', pier: 1 },
  { at: '14:05', boat: '海燕号', to: 'bell', pier: 2 },
  { at: '16:20', boat: '信天翁号', to: 'plum', pier: 3 },
  { at: '18:45', boat: '白鹭号', to: 'lighthouse', pier: 1 },
  { at: '21:10', boat: '海燕号', to: 'plum', pier: 2 },
];

export const findIsland = (id?: string) => islands.find((island) => island.id === id);
export const findFerry = (at?: string) => ferries.find((ferry) => ferry.at === at);

const timeOf = (clock: string, now: dayjs.Dayjs) => {
  const [hour, minute] = clock.split(':').map(Number);
  return now.hour(hour).minute(minute).second(0);
};

/** Today's boats to one island, as they look at `now`. */
export function departures(to: string, now = dayjs()): Departure[] {
  return ferries.filter((ferry) => ferry.to === to).map((ferry) => {
    const wait = timeOf(ferry.at, now).diff(now, 'minute');
    return { ...ferry, gone: wait < 0, hint: wait < 0 ? '已开出' : wait < 60 ? `${wait} 分钟后` : '候船' };
  });
}

/** When a boat that leaves at `clock` arrives. */
export const arrival = (clock: string, minutes: number) => timeOf(clock, dayjs()).add(minutes, 'minute').format('HH:mm');

export const today = () => dayjs().format('M月D日');

// Today's boats, one tab for each island; `?to=plum` opens on that one.
import { departures, islands, today } from '../../lib/timetable';

Page({
  data: {
    today: '',
    chosen: 0,
    tabs: islands.map(({ name }) => ({ title: name })),
    lists: [] as { id: string; boats: ReturnType<typeof departures> }[],
  },

  onLoad({ to }) {
    const chosen = islands.findIndex(({ id }) => id === to);
    if (chosen >= 0) this.setData({ chosen });
  },

  onShow() {
    this.setData({ today: today(), lists: islands.map(({ id }) => ({ id, boats: departures(id) })) });
  },

  showFerry({ currentTarget }: WechatMiniprogram.TouchEvent) {
    wx.navigateTo({ url: `/pages/ferry/ferry?at=${currentTarget.dataset.at}` });
  },

  showIslands() {
    wx.navigateTo({ url: '/islands/guide/guide' });
  },
});

// One boat of today: `?at=08:15`.
import { arrival, ferries, findFerry, findIsland } from '../../lib/timetable';

Page({
  data: { at: '', boat: '', pier: 0, island: '', arrives: '' },

  onLoad({ at }) {
    const ferry = findFerry(at) ?? ferries[0];
    const island = findIsland(ferry.to)!;
    this.setData({ at: ferry.at, boat: ferry.boat, pier: ferry.pier, island: island.name, arrives: arrival(ferry.at, island.minutes) });
  },
});

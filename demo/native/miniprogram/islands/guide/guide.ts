// What there is to see at the other end.
import { islands } from '../../lib/timetable';

Page({
  data: { islands },
});

// What this build shows beyond the basics.

// The tide of the whole day as a curve on the board.
export const tideCurve = false;

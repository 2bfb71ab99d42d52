// What is known of the heights of rows: those measured lately, and an average for the others.

const MOST = 5000;

export function heights(line = 20, header = 28) {
  const known = new Map();
  let sum = 0;
  let lines = 0;
  // One long line says little about the others.
  const average = () => (sum + 3 * line) / (lines + 3);
  return {
    get average() {
      return average();
    },
    of: (key) => known.get(key) ?? (key < 0 ? header : average()),
    /** `passing`: of a row without its text. */
    set(key, height, passing) {
      if (height <= 0) return;
      if (key < 0) header = height;
      else if (!passing) {
        // What was measured long ago counts less than what is looked at.
        if (lines >= 500) {
          sum /= 2;
          lines /= 2;
        }
        sum += height;
        lines += 1;
      }
      known.delete(key);
      known.set(key, height);
      if (known.size > MOST) known.delete(known.keys().next().value);
    },
    /** How many rows fill this many pixels, more or less. */
    rows: (pixels) => Math.ceil(pixels / average()) + 2,
    /** The height of a row that holds one line of text. */
    base(height) {
      line = height;
    },
    clear() {
      known.clear();
      sum = 0;
      lines = 0;
    },
  };
}

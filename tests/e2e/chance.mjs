// Chance that can be repeated: numbers drawn from a seed, for the rounds of crashes.

/** A stream of draws; the same seed draws the same. Mulberry32, which is enough for when to kill and what to post. */
export function chance(seed) {
  let state = seed >>> 0;
  const draw = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    /** Whether something of this probability happens. */
    of: (probability) => draw() < probability,
    /** A whole number from `least` to `most`. */
    between: (least, most) => least + Math.floor(draw() * (most - least + 1)),
    /** One of these. */
    pick: (list) => list[Math.floor(draw() * list.length)],
  };
}

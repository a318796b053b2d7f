/**
 * The random numbers of `make_rng(seed, purpose)` and `torch.randn`, so that a seed gives the same
 * digits here, in the demo and on the command line.
 */

const PRIMES = [2]; // and the 63 after it
for (let k = 3; PRIMES.length < 64; k++) if (PRIMES.every((prime) => k % prime)) PRIMES.push(k);

/** The first 32 bits of the fractional part of a root of each of them. @param {number} power */
const roots = (power) => Uint32Array.from(PRIMES, (prime) => (prime ** power % 1) * 2 ** 32);
const K = roots(1 / 3);

/**
 * SHA-256 (FIPS 180-4, section 6.2) of a text so short that it fits into one block.
 * @param {string} text at most 55 letters of ASCII
 */
function sha256(text) {
  const block = new DataView(new ArrayBuffer(64));
  Array.from(text, (letter, k) => block.setUint8(k, letter.charCodeAt(0)));
  block.setUint8(text.length, 0x80);
  block.setUint32(60, 8 * text.length);
  const turn = (/** @type {number} */ x, /** @type {number} */ by) => (x >>> by) | (x << (32 - by));
  const w = new Uint32Array(64);
  for (let k = 0; k < 64; k++) {
    const [before, after] = [w[k - 15], w[k - 2]];
    w[k] = k < 16 ? block.getUint32(4 * k)
      : w[k - 16] + (turn(before, 7) ^ turn(before, 18) ^ (before >>> 3)) + w[k - 7] + (turn(after, 17) ^ turn(after, 19) ^ (after >>> 10));
  }
  const start = roots(1 / 2).slice(0, 8);
  let [a, b, c, d, e, f, g, h] = start;
  for (let k = 0; k < 64; k++) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[k] + w[k]) | 0;
    const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  return start.map((value, k) => value + [a, b, c, d, e, f, g, h][k]);
}

/**
 * The Mersenne Twister of 32 bits (Matsumoto and Nishimura, 1998).
 * @param {number} seed
 */
function twister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let k = 1; k < 624; k++) state[k] = Math.imul(state[k - 1] ^ (state[k - 1] >>> 30), 1812433253) + k;
  let at = 624;
  return () => {
    if (at === 624) {
      for (let k = 0; k < 624; k++) {
        const y = (state[k] & 0x80000000) | (state[(k + 1) % 624] & 0x7fffffff);
        state[k] = state[(k + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

/**
 * The 32 bits at a time of `make_rng`; modulo 10 they are `torch.randint(10, ...)`.
 * @param {number} seed
 * @param {string} purpose
 */
export function bits(seed, purpose) {
  const digest = sha256(`${seed} ${purpose}`);
  return twister((digest[0] << 31) | (digest[1] >>> 1)); // of 63 bits the last 32
}

/**
 * Standard normal numbers, sixteen at a time: two times eight by the method of Box and Muller (1958),
 * as torch does on the CPU. (Of a count that sixteen does not divide torch draws the last ones anew.)
 * @param {number} seed
 * @param {string} purpose
 * @returns {Generator<number, void>}
 */
export function* normals(seed, purpose) {
  const next = bits(seed, purpose);
  for (;;) {
    const uniform = Array.from({ length: 16 }, () => (next() & 0xffffff) / 2 ** 24);
    const pairs = uniform.slice(0, 8).map((one, k) => {
      const [radius, angle] = [Math.sqrt(-2 * Math.log(1 - one)), 2 * Math.PI * uniform[k + 8]];
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    });
    yield* pairs.map(([cosine]) => cosine);
    yield* pairs.map(([, sine]) => sine);
  }
}

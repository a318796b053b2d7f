/** Digits for the networks to read: those of a palindrome but the last. */

import { bits } from "./seeds.js";

/**
 * The digits of a random palindrome of length T without the last one.
 * @param {number} length T
 * @param {() => number} [uniform]
 */
export function draw(length, uniform = Math.random) {
  return mirror(length, () => Math.floor(10 * uniform())).slice(0, -1);
}

/**
 * @param {number} length T
 * @param {() => number} next a digit
 */
function mirror(length, next) {
  const half = Array.from({ length: Math.ceil(length / 2) }, next);
  return [...half, ...half.slice(0, Math.floor(length / 2)).reverse()];
}

/**
 * The palindromes about which every network is asked: those of demos/gate_microscope/cuts.py.
 * @param {number} length T
 * @param {number} count
 */
export function asked(length, count) {
  const next = bits(length, "cut a wire");
  return Array.from({ length: count }, () => mirror(length, () => next() % 10));
}

/**
 * The first place, counted from 0, whose digit differs from its mirror image; -1 if the digits begin
 * a palindrome that is longer by one digit: the first one again.
 * @param {number[]} digits
 */
export function brokenMirror(digits) {
  const at = digits.slice(1).findIndex((digit, k) => digit !== digits[digits.length - 1 - k]);
  return at < 0 ? -1 : at + 1;
}

/**
 * Digits as somebody types them: spaces and commas do not count, nor the width of Chinese type.
 * @param {string} text
 * @returns {number[] | null} null where there is something else than digits
 */
export function parse(text) {
  const digits = text.normalize("NFKC").replace(/[\s,]/g, ""); // NFKC: digits of full width
  return /^[0-9]*$/.test(digits) ? Array.from(digits, Number) : null;
}

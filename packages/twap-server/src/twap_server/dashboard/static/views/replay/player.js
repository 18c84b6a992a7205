// The playhead: which frame is shown, and how fast it moves.

import { useEffect, useRef, useState } from "preact/hooks";
import { Timeline } from "./timeline.js";

/** Seconds of the recording in a second. */
export const SPEEDS = [1, 10, 60, 600];
/** Of one step: a page that was out of sight does not jump. */
const MOST_MS = 1_000;
/** Frames are drawn ten times a second at most, so of a fast replay only every so many are asked for. @param {number} speed */
export const strideOf = (speed) => Math.max(1, Math.round(speed / 10));

/** @typedef {import("./timeline.js").Scene} Scene */
/** @typedef {{number: number, isPlaying: boolean, seek: (number: number) => void, toggle: () => void}} Player */

/**
 * @param {number} count frames @param {number} begin the first one shown @param {number} speed
 * @param {() => boolean} isReady whether the last one that was asked for is shown: the playhead waits for it
 * @returns {Player}
 */
export function usePlayer(count, begin, speed, isReady) {
  const [number, setNumber] = useState(begin);
  const [isPlaying, setPlaying] = useState(false);
  const at = useRef(begin);
  useEffect(() => {
    if (!isPlaying) return undefined;
    const stride = strideOf(speed);
    let before = performance.now();
    let frame = requestAnimationFrame(function tick(moment) {
      const passed = Math.min(MOST_MS, Math.max(0, moment - before)); // a frame's time is that of its begin: the first may have begun before
      before = moment;
      if (isReady()) at.current = Math.min(count - 1, at.current + (passed / 1000) * speed);
      const isEnd = at.current >= count - 1;
      setNumber(isEnd ? count - 1 : Math.floor(at.current / stride) * stride);
      if (isEnd) setPlaying(false);
      else frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [isPlaying, speed, count]);
  const seek = (/** @type {number} */ wanted) => {
    at.current = Math.min(count - 1, Math.max(0, wanted));
    setNumber(at.current);
  };
  const toggle = () => {
    if (!isPlaying && number >= count - 1) seek(0);
    setPlaying(!isPlaying);
  };
  return { number, isPlaying, seek, toggle };
}

const SOON_MS = 60;

/**
 * What stands at a frame. While another page comes, what stood before goes on being shown.
 * @param {Timeline} timeline @param {number} number @param {number} every
 * @returns {{scene: Scene | null, error: Error | null, isReady: () => boolean, again: () => void}}
 */
export function useScene(timeline, number, every) {
  const [shown, setShown] = useState(/** @type {{of: Timeline | null, scene: Scene | null, error: Error | null}} */ ({ of: null, scene: null, error: null }));
  const [tries, setTries] = useState(0);
  const isWaiting = useRef(true);
  const there = timeline.peek(number, every);
  isWaiting.current = there === null;
  useEffect(() => {
    if (there) {
      setShown({ of: timeline, scene: there, error: null });
      timeline.expect(number, every);
      return undefined;
    }
    let isOver = false;
    const timer = setTimeout(() => {
      timeline.scene(number, every).then(
        (scene) => isOver || setShown({ of: timeline, scene, error: null }),
        (error) => isOver || setShown((before) => ({ ...before, error })),
      );
    }, SOON_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [timeline, number, every, tries]);
  const scene = there || (shown.of === timeline ? shown.scene : null);
  return { scene, error: there ? null : shown.error, isReady: () => !isWaiting.current, again: () => setTries(tries + 1) };
}

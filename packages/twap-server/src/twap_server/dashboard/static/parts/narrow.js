// Whether the window is as narrow as a phone's.

import { useEffect, useState } from "preact/hooks";

/** @param {number} [width] in pixels, at most */
export function useNarrow(width = 720) {
  const query = `(max-width: ${width}px)`;
  const [isNarrow, setNarrow] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const look = () => setNarrow(media.matches);
    look();
    media.addEventListener("change", look);
    return () => media.removeEventListener("change", look);
  }, [query]);
  return isNarrow;
}

// One of a few words: radio buttons that look like one bar, and work with the arrow keys.

import { useId } from "preact/hooks";
import { classes, html } from "../core/html.js";

/** @param {{label: string, value: string, options: [string, string][], onChoose: (value: any) => void, isLabelShown?: boolean}} props `options`: value and words */
export function Segments({ label, value, options, onChoose, isLabelShown }) {
  const name = useId();
  return html`
    <fieldset class="segments">
      <legend class=${classes(!isLabelShown && "visually-hidden")}>${label}</legend>
      ${options.map(
        ([one, words]) => html`
          <label class=${classes("segment", `of-${one}`, one === value && "chosen")}>
            <input type="radio" class="visually-hidden" name=${name} value=${one} checked=${one === value} onChange=${() => onChoose(one)} />${words}
          </label>
        `,
      )}
    </fieldset>
  `;
}

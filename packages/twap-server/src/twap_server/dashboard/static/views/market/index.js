// To come.
import { html } from "../../core/html.js";

export default function View() {
  return html`<p class="starting">…</p>`;
}

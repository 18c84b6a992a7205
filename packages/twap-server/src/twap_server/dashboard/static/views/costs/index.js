// To come.
import { html } from "../../core/html.js";

export default function View() {
  return html`<h1>…</h1>`;
}

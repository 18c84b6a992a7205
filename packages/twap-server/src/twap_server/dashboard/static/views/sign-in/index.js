// Sign in, or make an account where the server lets anybody. A demo has one button for both.

import { useState } from "preact/hooks";
import { html } from "../../core/html.js";
import { go, route } from "../../core/router.js";
import { server } from "../../core/server.js";
import { register, signIn, user } from "../../core/session.js";
import { Field } from "../../parts/field.js";
import { ProblemText } from "../../parts/problem.js";

/** @param {{why?: string}} props */
export default function SignIn({ why }) {
  const [isNew, setNew] = useState(false);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [invite, setInvite] = useState("");
  const [error, setError] = useState(/** @type {any} */ (null));
  const [isBusy, setBusy] = useState(false);
  const mode = server.value?.registration || "closed";
  const demo = server.value?.demo;

  const enter = async (/** @type {() => Promise<void>} */ work) => {
    setBusy(true);
    setError(null);
    try {
      await work();
      if (route.value.path[0] === "sign-in") go(["market"]);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    enter(() => (isNew ? register(name, password, invite) : signIn(name, password)));
  };
  const wrong = (/** @type {string} */ field) => error?.errors?.find((/** @type {any} */ one) => one.field === field)?.message;

  if (user.value) return html`<section class="card narrow"><h1>Signed in</h1><p>You are signed in as <strong>${user.value.username}</strong>.</p></section>`;
  return html`
    <section class="card narrow">
      <h1>${isNew ? "Make an account" : "Sign in"}</h1>
      ${why ? html`<p>${why}</p>` : null}
      ${demo
        ? html`
            <p><button type="button" class="primary wide" disabled=${isBusy} onClick=${() => enter(() => signIn(demo.username, demo.password))}>Enter the demo</button></p>
            <p class="hint">The demo's user is <code>${demo.username}</code>. Or use a name of your own:</p>
          `
        : null}
      <form onSubmit=${submit}>
        <${Field} label="Name" value=${name} onInput=${setName} error=${wrong("username")} more=${{ autocomplete: "username", required: true, autofocus: !demo }} />
        <${Field} label="Password" type="password" value=${password} onInput=${setPassword} error=${wrong("password")}
          hint=${isNew ? "At least 8 characters." : ""} more=${{ autocomplete: isNew ? "new-password" : "current-password", required: true }} />
        ${isNew && mode === "invite" ? html`<${Field} label="Invite" value=${invite} onInput=${setInvite} error=${wrong("invite")} hint="The code you were given." />` : null}
        <${ProblemText} error=${error && !error.errors?.length ? error : null} />
        <button class="primary wide" disabled=${isBusy}>${isBusy ? "One moment…" : isNew ? "Make the account" : "Sign in"}</button>
      </form>
      ${mode === "closed" ? html`<p class="hint">This server makes no new accounts: ask whoever runs it.</p>`
        : html`<p><button type="button" class="quiet" onClick=${() => setNew(!isNew)}>${isNew ? "I have an account" : "Make an account"}</button></p>`}
    </section>
  `;
}

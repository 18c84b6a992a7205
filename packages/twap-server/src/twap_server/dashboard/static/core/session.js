// Keep the sign-in: the access token in this page's memory, the refresh token in a cookie that no script can read.

import { signal } from "@preact/signals";
import { Problem, request } from "./http.js";

const EARLY_MS = 30_000;

/** Who is signed in; null: nobody. @type {import("@preact/signals").Signal<{username: string} | null>} */
export const user = signal(null);
/** Whether the cookie was asked: before that nobody knows who is signed in. */
export const isKnown = signal(false);

/** Why somebody is not signed in any more who did not sign out; "": nothing of the kind happened. */
export const endedBecause = signal("");

/** @type {{text: string, renewAt: number} | null} */
let token = null;
/** @type {Promise<void> | null} */
let renewal = null;

/** Go on with the sign-in of before, if there is one (204: there is none). Called once, at the start. */
export async function resume() {
  try {
    await renew();
  } catch {
    // Nobody is signed in, or the server cannot be reached: the page works without.
  } finally {
    isKnown.value = true;
  }
}

/**
 * @param {string} username
 * @param {string} password
 * @throws {Problem}
 */
export async function signIn(username, password) {
  const answer = await request("POST", "auth/browser/sign-in", { body: { username, password } });
  take(answer.body);
}

/**
 * Make an account and sign in.
 * @param {string} username
 * @param {string} password
 * @param {string} [invite]
 */
export async function register(username, password, invite) {
  await request("POST", "auth/register", { body: { username, password, ...(invite ? { invite } : {}) } });
  await signIn(username, password);
}

/** End this sign-in. It is over here even if the server does not answer. */
export async function signOut() {
  forget();
  await request("POST", "auth/browser/log-out").catch(() => undefined);
}

/** End all sign-ins of the user, on every machine. */
export async function signOutEverywhere() {
  await request("DELETE", "auth/sessions", { headers: await authorization() });
  await signOut();
}

/** The header that says who asks; empty without a sign-in. @returns {Promise<Record<string, string>>} */
export async function authorization() {
  const text = await accessToken();
  return text ? { Authorization: `Bearer ${text}` } : {};
}

/** A token that counts, renewed where its end is near; null: nobody is signed in. @returns {Promise<string | null>} */
export async function accessToken() {
  if (token && performance.now() > token.renewAt) await renew().catch(forgetIfRefused);
  return token ? token.text : null;
}

/** The server refused the token: try the cookie once. @returns {Promise<boolean>} whether there is a new one */
export async function renewNow() {
  await renew().catch(forgetIfRefused);
  return token !== null;
}

function renew() {
  renewal ??= request("POST", "auth/browser/refresh")
    .then((answer) => (answer.body ? take(answer.body) : lose("the browser has no sign-in for this server any more")))
    .finally(() => {
      renewal = null;
    });
  return renewal;
}

/** @param {any} answer */
function take(answer) {
  token = { text: answer.access_token, renewAt: performance.now() + Number(answer.expires_in) * 1000 - EARLY_MS };
  endedBecause.value = "";
  if (user.value?.username !== answer.username) user.value = { username: answer.username };
}

function forget() {
  token = null;
  user.value = null;
}

/** @param {string} reason */
function lose(reason) {
  if (user.value) endedBecause.value = reason;
  forget();
}

/** @param {unknown} error */
function forgetIfRefused(error) {
  if (error instanceof Problem && (error.status === 401 || error.status === 403)) lose(error.message);
}

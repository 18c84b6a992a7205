// Speak docs/stream.md over one WebSocket: sign in, subscribe, renew the sign-in before it ends, connect again when lost.

import { read } from "./exact.js";
import { BASE } from "./http.js";
import { accessToken, renewNow } from "./session.js";
import { deliver, fits, together } from "./wanted.js";

/** @typedef {import("./feed.js").Wanted} Wanted */

const LONGEST_WAIT_MS = 5_000;
const SILENCE_MS = 10_000;
const RENEW_EARLY_MS = 60_000;

export class Socket {
  /**
   * @param {Map<string, Wanted>} all what is wanted, kept by the feed
   * @param {(state: any, more?: any) => void} tell how the connection is
   */
  constructor(all, tell) {
    this.all = all;
    this.tell = tell;
    /** @type {WebSocket | null} */
    this.ws = null;
    this.isOpen = false;
    this.isOver = false;
    this.tries = 0;
    this.heardAt = 0;
    this.lastOrderSeq = -1;
    /** Subscriptions whose answer is to come, in the order they were sent. @type {(Wanted | null)[]} */
    this.asked = [];
    /** @type {ReturnType<typeof setTimeout>[]} */
    this.timers = [];
    this.watch = setInterval(() => this.checkSilence(), 2_000);
    this.connect();
  }

  /** @param {Wanted} wanted */
  add(wanted) {
    if (this.isOpen) this.subscribe(wanted);
  }

  /** @param {Wanted} wanted */
  remove(wanted) {
    if (!this.isOpen) return;
    if (wanted.listeners.size) this.subscribe(wanted);
    else this.send({ type: "unsubscribe", ...wanted.topic }, null);
  }

  stop() {
    this.isOver = true;
    clearInterval(this.watch);
    this.timers.forEach(clearTimeout);
    this.ws?.close(1000);
  }

  async connect() {
    const token = await accessToken();
    if (this.isOver) return;
    if (!token) return this.lose("the sign-in could not be renewed");
    const url = new URL("ws", BASE);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const ws = new WebSocket(url);
    this.ws = ws;
    ws.onopen = () => ws.send(JSON.stringify({ type: "auth", token }));
    ws.onmessage = (event) => this.hear(read(event.data));
    ws.onclose = (event) => ws === this.ws && this.closed(event);
  }

  /** @param {any} message */
  hear(message) {
    this.heardAt = performance.now();
    switch (message.type) {
      case "authenticated":
        return this.begin(message);
      case "subscribed":
        if (message.channel === "orders") this.lastOrderSeq = Math.max(this.lastOrderSeq, Number(message.seq || 0));
        this.asked.shift();
        return undefined;
      case "unsubscribed":
        this.asked.shift();
        return undefined;
      case "error":
        return this.refused(message);
      case "order_event":
        this.lastOrderSeq = Math.max(this.lastOrderSeq, Number(message.seq));
        break;
    }
    for (const wanted of this.all.values()) if (fits(wanted, message)) deliver(wanted, message);
    return undefined;
  }

  /** @param {any} message */
  begin(message) {
    if (message.expires_at) {
      const left = Date.parse(message.expires_at) - Date.now();
      this.later(Math.max(5_000, left - RENEW_EARLY_MS), () => this.renew());
    }
    if (this.isOpen) return;
    this.isOpen = true;
    this.tries = 0;
    this.tell("live");
    for (const wanted of this.all.values()) this.subscribe(wanted);
  }

  async renew() {
    const isNew = await renewNow();
    const token = isNew ? await accessToken() : null;
    if (token && this.isOpen) this.ws?.send(JSON.stringify({ type: "auth", token }));
  }

  /** @param {Wanted} wanted */
  subscribe(wanted) {
    const { topic } = wanted;
    const more = topic.channel === "book" ? together(wanted) : {};
    const since = topic.channel === "orders" && this.lastOrderSeq >= 0 ? { since: this.lastOrderSeq } : {};
    this.send({ type: "subscribe", ...topic, ...more, ...since }, wanted);
  }

  /** @param {object} message @param {Wanted | null} wanted */
  send(message, wanted) {
    this.asked.push(wanted);
    this.ws?.send(JSON.stringify(message));
  }

  /** @param {any} message */
  refused(message) {
    const wanted = this.asked.shift();
    if (wanted) deliver(wanted, message);
  }

  /** @param {CloseEvent} event */
  async closed(event) {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.asked = [];
    if (this.isOver) return;
    if (event.code === 1008 && !(await renewNow())) return this.lose("the sign-in has ended");
    this.lose(event.reason || "the connection was lost", wasOpen);
  }

  /** Try again: at once after a connection that worked, else later each time. @param {string} reason @param {boolean} [atOnce] */
  lose(reason, atOnce = false) {
    if (this.isOver) return;
    const wait = atOnce ? 0 : Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.tries) * (0.75 + Math.random() / 4);
    this.tries += 1;
    this.tell("lost", { reason, retryAt: Date.now() + wait });
    this.later(wait, () => this.connect());
  }

  /** Books come once a second: after ten seconds of silence ask, after ten more give up. */
  checkSilence() {
    if (!this.isOpen || !this.ws) return;
    const silence = performance.now() - this.heardAt;
    if (silence > 2 * SILENCE_MS) {
      const dead = this.ws;
      this.ws = null;
      dead.close();
      this.closed(new CloseEvent("close", { reason: "the server says nothing" }));
    } else if (silence > SILENCE_MS) this.ws.send(JSON.stringify({ type: "ping" }));
  }

  /** @param {number} ms @param {() => void} work */
  later(ms, work) {
    this.timers = [...this.timers.slice(-8), setTimeout(() => !this.isOver && work(), ms)];
  }
}

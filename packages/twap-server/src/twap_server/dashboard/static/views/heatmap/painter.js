// Draw the cells: with WebGL2, or with a plain canvas where there is none.

/** @typedef {import("./grid.js").Grid} Grid */
/** @typedef {{from: number, to: number, low: number, high: number}} Frame times in milliseconds, prices */
/** @typedef {{setPalette(palette: Uint8Array): void, draw(grid: Grid, frame: Frame, hasChanged: boolean): void, end(): void, kind: string}} Painter */

/** @param {HTMLCanvasElement} canvas @returns {Painter} */
export function painterFor(canvas) {
  const gl = canvas.getContext("webgl2", { antialias: false, alpha: false, powerPreference: "low-power" });
  return gl ? new GlPainter(canvas, gl) : new FlatPainter(canvas);
}

const VERTEX = `#version 300 es
out vec2 place;
void main() {
  vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
  place = corner;
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

// Seconds count from the newest column, so that they are small enough for floats.
const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
in vec2 place;
out vec4 shown;
uniform sampler2D cells;
uniform sampler2D palette;
uniform vec2 seconds;
uniform vec2 rows;
uniform vec2 bounds;
uniform int newest;
void main() {
  ivec2 size = textureSize(cells, 0);
  int second = int(floor(mix(seconds.x, seconds.y, place.x)));
  int row = int(floor(mix(rows.x, rows.y, place.y)));
  float value = 0.0;
  if (second <= 0 && second > -size.x && row >= 0 && row < size.y) {
    value = texelFetch(cells, ivec2((newest + second + size.x) % size.x, row), 0).r * 255.0;
  }
  float share = value < 0.5 ? 0.0 : 0.1 + 0.9 * clamp((value - bounds.x) / (bounds.y - bounds.x), 0.0, 1.0);
  shown = texelFetch(palette, ivec2(int(share * 255.0), 0), 0);
}`;

class GlPainter {
  /** @param {HTMLCanvasElement} canvas @param {WebGL2RenderingContext} gl */
  constructor(canvas, gl) {
    this.canvas = canvas;
    this.gl = gl;
    this.kind = "webgl2";
    this.isNew = true;
    this.program = program(gl);
    gl.useProgram(this.program);
    this.cells = texture(gl, 0);
    this.palette = texture(gl, 1);
    /** @param {string} name */
    this.at = (name) => gl.getUniformLocation(this.program, name);
    gl.uniform1i(this.at("cells"), 0);
    gl.uniform1i(this.at("palette"), 1);
    this.places = { seconds: this.at("seconds"), rows: this.at("rows"), bounds: this.at("bounds"), newest: this.at("newest") };
  }

  /** @param {Uint8Array} colours */
  setPalette(colours) {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, colours);
  }

  /** @param {Grid} grid @param {Frame} frame @param {boolean} hasChanged */
  draw(grid, frame, hasChanged) {
    const { gl, places } = this;
    if (gl.isContextLost()) return;
    if (hasChanged || this.isNew) this.load(grid);
    const newest = grid.recording.last;
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.uniform2f(places.seconds, frame.from / 1000 - newest, frame.to / 1000 - newest);
    gl.uniform2f(places.rows, (frame.low - grid.base) / grid.step, (frame.high - grid.base) / grid.step);
    gl.uniform2f(places.bounds, ...grid.bounds);
    gl.uniform1i(places.newest, newest % grid.columns);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /** @param {Grid} grid */
  load(grid) {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    if (this.isNew) gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, grid.columns, grid.rows, 0, gl.RED, gl.UNSIGNED_BYTE, grid.cells);
    else gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, grid.columns, grid.rows, gl.RED, gl.UNSIGNED_BYTE, grid.cells);
    this.isNew = false;
  }

  end() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

/** @param {WebGL2RenderingContext} gl */
function program(gl) {
  const made = /** @type {WebGLProgram} */ (gl.createProgram());
  for (const [kind, text] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
    const shader = /** @type {WebGLShader} */ (gl.createShader(kind));
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  return made;
}

/** @param {WebGL2RenderingContext} gl @param {number} unit */
function texture(gl, unit) {
  const made = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  return made;
}

export class FlatPainter {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.kind = "canvas";
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.small = document.createElement("canvas");
    this.colours = new Uint32Array(256);
  }

  /** @param {Uint8Array} colours */
  setPalette(colours) {
    this.colours = new Uint32Array(colours.slice().buffer);
  }

  /** @param {Grid} grid @param {Frame} frame */
  draw(grid, frame) {
    const [first, rowLow] = [Math.floor(frame.from / 1000), Math.floor((frame.low - grid.base) / grid.step)];
    const width = Math.max(1, Math.ceil(frame.to / 1000) - first);
    const height = Math.max(1, Math.ceil((frame.high - grid.base) / grid.step) - rowLow);
    this.small.width = width;
    this.small.height = height;
    const pen = /** @type {CanvasRenderingContext2D} */ (this.small.getContext("2d"));
    const image = pen.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) pixels[(height - 1 - y) * width + x] = this.colours[shade(grid, first + x, rowLow + y)];
    }
    pen.putImageData(image, 0, 0);
    const [sx, sy] = [this.canvas.width / (frame.to - frame.from), this.canvas.height / (frame.high - frame.low)];
    const top = grid.base + (rowLow + height) * grid.step;
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(this.small, (first * 1000 - frame.from) * sx, (frame.high - top) * sy, width * 1000 * sx, height * grid.step * sy);
  }

  end() {}
}

/** @param {Grid} grid @param {number} second @param {number} row the colour's number */
function shade(grid, second, row) {
  const { last } = grid.recording;
  if (second > last || second <= last - grid.columns || row < 0 || row >= grid.rows) return 0;
  const value = grid.cells[row * grid.columns + (second % grid.columns)];
  const [low, high] = grid.bounds;
  return value ? Math.floor((0.1 + 0.9 * Math.min(1, Math.max(0, (value - low) / (high - low)))) * 255) : 0;
}

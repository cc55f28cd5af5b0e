/** Marker images, drawn on a canvas so that they carry the page's own hues and need no sprite from the network. */
import type { GlMap } from "./gl-library.ts";
import type { MapPalette } from "./map-palette.ts";

/** Device pixels per CSS pixel of the images: sharp on any screen, small enough to be free. */
const RATIO = 2;
const DRIVER_PX = 30;
const DESTINATION_PX = 12;

/** Adds every marker image, or repaints it after a theme change. */
export function putIcons(map: GlMap, palette: MapPalette): void {
  const rim = palette.theme === "dark" ? "#0b0e12" : "#ffffff";
  for (const [state, color] of Object.entries(palette.drivers)) {
    put(map, `driver-${state}`, arrow(color, rim));
    put(map, `driver-${state}-dot`, dot(color, rim));
  }
  for (const [status, color] of Object.entries(palette.trips)) put(map, `destination-${status}`, square(color, rim));
}

function put(map: GlMap, id: string, image: ImageData): void {
  if (map.hasImage(id)) map.updateImage(id, image);
  else map.addImage(id, image, { pixelRatio: RATIO });
}

/** A pen on a square canvas whose origin is its centre and whose unit is one CSS pixel. */
function draw(sizePx: number, paint: (pen: CanvasRenderingContext2D) => void): ImageData {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = sizePx * RATIO;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) return new ImageData(canvas.width, canvas.height);
  pen.scale(RATIO, RATIO);
  pen.translate(sizePx / 2, sizePx / 2);
  pen.lineJoin = "round";
  paint(pen);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

/** A navigation arrow pointing north; the map turns it to the heading. */
function arrow(color: string, rim: string): ImageData {
  return draw(DRIVER_PX, (pen) => {
    pen.beginPath();
    pen.moveTo(0, -11);
    pen.lineTo(8, 9);
    pen.lineTo(0, 5);
    pen.lineTo(-8, 9);
    pen.closePath();
    fillWithRim(pen, color, rim);
  });
}

function dot(color: string, rim: string): ImageData {
  return draw(DRIVER_PX, (pen) => {
    pen.beginPath();
    pen.arc(0, 0, 6.5, 0, 2 * Math.PI);
    fillWithRim(pen, color, rim);
  });
}

function square(color: string, rim: string): ImageData {
  return draw(DESTINATION_PX, (pen) => {
    pen.beginPath();
    pen.rect(-3.5, -3.5, 7, 7);
    fillWithRim(pen, color, rim);
  });
}

function fillWithRim(pen: CanvasRenderingContext2D, color: string, rim: string): void {
  pen.strokeStyle = rim;
  pen.lineWidth = 3;
  pen.stroke();
  pen.fillStyle = color;
  pen.fill();
}

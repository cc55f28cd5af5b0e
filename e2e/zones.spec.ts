import { expect, test } from "@playwright/test";
import { signIn } from "./people.ts";

const square = (west: number, south: number, size: number) => [
  [west, south],
  [west + size, south],
  [west + size, south + size],
  [west, south + size],
  [west, south],
];

test("an admin draws a zone on the map, bends it over itself, takes that back, saves it and deletes it", async ({
  page,
}) => {
  await signIn(page, "admin@smartline.test", { to: "/zones" });
  await expect(page.getByRole("list", { name: "Zones" }).getByRole("button")).not.toHaveCount(0);
  await page.getByRole("button", { name: "New zone" }).click();
  const canvas = page.getByRole("region", { name: "Zones on the map" }).locator("canvas").first();
  await expect(canvas).toBeVisible();
  const box = await canvas.boundingBox();
  if (!box) throw new Error("the map has no place on the page");
  const at = (x: number, y: number): [number, number] => [box.x + box.width * x, box.y + box.height * y];
  await expect(page.getByText(/click its corners on the map/)).toBeVisible();
  for (const [x, y] of [at(0.3, 0.3), at(0.7, 0.3), at(0.7, 0.7), at(0.3, 0.7)]) {
    await page.mouse.click(x, y);
    // Two clicks in a breath are a double click, which zooms.
    await page.waitForTimeout(500);
  }
  await page.getByRole("button", { name: "Finish ring" }).click();
  await page.waitForTimeout(500);

  // The north-west corner, dragged past the south-east one's edges.
  await page.mouse.move(...at(0.3, 0.3));
  await page.mouse.down();
  await page.mouse.move(...at(0.6, 0.5), { steps: 5 });
  await page.mouse.move(...at(0.8, 0.6), { steps: 5 });
  await page.mouse.up();
  await expect(
    page.getByRole("alert").getByText(/crosses or touches itself near .* edge \d+ .* meets edge \d+/),
  ).toBeVisible();
  await expect(page.getByRole("button", { name: "Save zone" })).toBeDisabled();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(page.getByText(/crosses or touches itself/)).toHaveCount(0);

  await page.getByLabel("Name").fill("Drawn by hand");
  await expect(page.getByText(/^Overlaps /)).toBeVisible();
  await page.getByLabel("Priority").fill("7");
  await expect(page.getByText(/^Overlaps /)).toHaveCount(0);
  await page.getByRole("button", { name: "Save zone" }).click();
  const dialog = page.getByRole("dialog", { name: "Add Drawn by hand?" });
  await expect(dialog.getByText("A zone of 4 points, open for trips at once")).toBeVisible();
  await dialog.getByLabel("Reason").fill("a new part of town");
  await dialog.getByRole("button", { name: "Add zone" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByText("Version 1, by Admin Demo")).toBeVisible();

  await page.getByRole("button", { name: "Delete zone" }).click();
  const sure = page.getByRole("dialog", { name: "Delete Drawn by hand?" });
  await sure.getByLabel("Reason").fill("it was only a test");
  await sure.getByRole("button", { name: "Delete zone" }).click();
  await expect(page.getByRole("list", { name: "Zones" })).toBeVisible();
  await expect(page.getByRole("button", { name: /Drawn by hand/ })).toHaveCount(0);
});

test("a file is looked at first: bad features by place, then what it would do, then it is done", async ({ page }) => {
  await signIn(page, "admin@smartline.test", { to: "/zones" });
  await page.getByRole("button", { name: "Import" }).click();
  const dialog = page.getByRole("dialog", { name: "Import zones" });
  const feature = (name: string, ring: number[][]) => ({
    ...{ type: "Feature", properties: { name, code: "e2e-far" } },
    geometry: { type: "Polygon", coordinates: [ring] },
  });
  const choose = (features: object[]) =>
    dialog.getByLabel("File").setInputFiles({
      ...{ name: "zones.geojson", mimeType: "application/geo+json" },
      buffer: Buffer.from(JSON.stringify({ type: "FeatureCollection", features })),
    });
  await choose([feature("Far", square(33, 28, 0.1)), feature("Open", square(34, 28, 0.1).slice(0, -1))]);
  await expect(dialog.getByText("1 feature is no zone, so nothing can be imported")).toBeVisible();
  await expect(dialog.getByText(/Open: Part 1 is not closed/)).toBeVisible();
  const [corner = [], ...others] = square(33, 28, 0.1);
  const [lng = 0, lat = 0] = corner;
  const loop = [
    [lng, lat - 0.0002],
    [lng - 0.0002, lat - 0.0002],
    [lng - 0.0002, lat],
  ];
  await choose([feature("Far", [corner, ...others.slice(0, -1), ...loop, corner])]);
  await expect(dialog.getByText(/Far: Part 1 crosses or touches itself/)).toBeVisible();
  await dialog.getByRole("button", { name: "Cut off small loops" }).click();
  await expect(dialog.getByText(/^Cut off: 1 loop of \d+ m²/)).toBeVisible();
  await expect(dialog.getByText("1 added, 0 changed, 0 unchanged.")).toBeVisible();
  await choose([feature("Far", square(33, 28, 0.1))]);
  await expect(dialog.getByText("1 added, 0 changed, 0 unchanged.")).toBeVisible();
  await dialog.getByRole("button", { name: "Import 1 zone" }).click();
  const sure = page.getByRole("dialog", { name: "Import these zones?" });
  await sure.getByLabel("Reason").fill("the town grew");
  await sure.getByRole("button", { name: "Import zones" }).click();
  await page.getByRole("button", { name: /^Far/ }).click();
  await page.getByRole("button", { name: "Delete zone" }).click();
  const remove = page.getByRole("dialog", { name: "Delete Far?" });
  await remove.getByLabel("Reason").fill("only for the test");
  await remove.getByRole("button", { name: "Delete zone" }).click();
  await expect(page.getByRole("button", { name: /^Far/ })).toHaveCount(0);
});

export type ShellSheet = "palette" | "shortcuts" | "more";

const target = new EventTarget();

/** Opens one of the shell's sheets from anywhere, without handing callbacks through every room. */
export const openShell = (sheet: ShellSheet) => target.dispatchEvent(new CustomEvent("open", { detail: sheet }));

export function onOpenShell(listener: (sheet: ShellSheet) => void): () => void {
  const handle = (event: Event) => listener((event as CustomEvent<ShellSheet>).detail);
  target.addEventListener("open", handle);
  return () => target.removeEventListener("open", handle);
}

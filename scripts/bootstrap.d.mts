// What the tests import of the plain-JavaScript bootstrap.
export function needsInstall(root: string): boolean;
export function writeStamp(root: string): void;
export function explainInstallFailure(output: string, code: number): string;
export function lacksOptionalOnly(output: string, root: string): boolean;

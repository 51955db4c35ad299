/** Text styles, on a terminal only and unless NO_COLOR is set (https://no-color.org). */
export interface Style {
  readonly strong: (text: string) => string;
  readonly dim: (text: string) => string;
}

export function createStyle(
  output: { isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  const colored = output.isTTY === true && !environment.NO_COLOR;
  const style = (code: number) => (text: string) => (colored ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { strong: style(1), dim: style(2) };
}

/** The names of commands to type: in PowerShell, `curl` may be an alias, and its npm script may be blocked. */
export function commandNames(platform: NodeJS.Platform): { curl: string; npm: string } {
  return platform === 'win32' ? { curl: 'curl.exe', npm: 'npm.cmd' } : { curl: 'curl', npm: 'npm' };
}

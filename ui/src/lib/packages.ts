/** Packages that are installed somewhere: whichever managers are there, each under its name. */

const MANAGERS: [program: string, title: string, list: string][] = [
  ["dpkg-query", "Debian packages", "dpkg-query -W -f '${Package} ${Version}\\n'"],
  ["apk", "Alpine packages", "apk list --installed"],
  ["rpm", "RPM packages", "rpm -qa --qf '%{NAME} %{VERSION}\\n'"],
  ["pip", "Python packages", "pip list --disable-pip-version-check"],
  ["npm", "Node.js packages", "npm ls -g --depth 0"],
];

/** A line for a shell that lists them all. What is missing is left out. */
export const PACKAGES = [
  ...MANAGERS.map(
    ([program, title, list]) => `if command -v ${program} >/dev/null; then echo '== ${title}'; ${list}; fi`,
  ),
  "true",
].join("; ");

/** Pictures of every screen, with a project that does something. They land in target/screenshots. */

import { BASIC, settings, test } from "../engine";
import { expect, open, run, type Page, type Server } from "../server";
import { photograph } from "./camera";

const LOAD = `import csv, sys, time
from pathlib import Path

ROWS = 200_000

def load(path: Path):
    with path.open() as f:
        yield from csv.DictReader(f)

def main(path: Path) -> int:
    bad = 0
    for i, row in enumerate(load(path), 1):
        if not row["id"]:
            bad += 1
            print(f"row {i}: no id", file=sys.stderr)
        if i % 20_000 == 0:
            print(f"{i:>9,} rows", flush=True)
            time.sleep(0.4)
    print("\\033[32m✓\\033[0m checkpoint \\033[34mout/part-3.csv\\033[0m")
    return 1 if bad else 0

sys.exit(main(Path(sys.argv[1])))
`;

async function project(server: Server): Promise<void> {
  const rows = Array.from({ length: 200_000 }, (_, i) => `${i === 47_112 || i === 85_229 ? "" : i},x`);
  await server.write({
    "src/load.py": LOAD,
    "src/train.py": "print('epoch 1')\n",
    "data/in.csv": `id,name\n${rows.join("\n")}\n`,
    "requirements.txt": "requests==2.32.3\n",
    "README.md": "# A project\n",
    ".stigmer.yaml": "mode: local\n",
    "out/part-1.csv": "",
  });
}

async function seed(server: Server): Promise<void> {
  const lines = [
    "git --version",
    "exit 137",
    "seq 1 2000",
    "printf 'collected 21 items\\n21 passed in 1.38 s\\n'",
  ];
  for (const line of lines) await server.stigmer("run", line);
  await server.stigmer("run", "--timeout", "1s", "sleep 20");
  await server.stigmer(
    "run",
    "printf 'collected 21 items\\nF\\n    def test_no_id():\\nE       assert 2 == 0\\n1 failed, 20 passed in 1.42 s\\n'; exit 1",
  );
}

const output = (page: Page) => page.getByRole("region", { name: "Output" });

const screens: Record<string, (page: Page, server: Server) => Promise<void>> = {
  run: async (page) => {
    await page.getByRole("treeitem", { name: "src" }).click();
    await page.getByRole("treeitem", { name: "load.py" }).click();
    await run(page, "python3 src/load.py data/in.csv");
    await expect(output(page).getByText("100,000 rows")).toBeVisible();
  },
  empty: async () => {},
  failing: async (page) => {
    await run(page, "nothing-of-that-name --at all");
    await expect(page.getByRole("list", { name: "What happened to the run" })).toContainText("exit 127");
  },
  huge: async (page) => {
    await run(
      page,
      "seq -f 'line %.0f of very many' 1000000; printf '%0200000d\\n' 7; printf 'a\\rb\\r100 %%\\n'",
    );
    await expect(page.getByRole("list", { name: "What happened to the run" })).toContainText("succeeded");
  },
  history: async (page) => {
    await page.keyboard.press("Control+2");
    await expect(page.getByRole("row", { name: /git --version/ })).toBeVisible();
  },
  compare: async (page) => {
    await page.keyboard.press("Control+2");
    await page.getByRole("row", { name: /21 passed/ }).click();
    await page.keyboard.press("Space");
    await page.getByRole("row", { name: /1 failed/ }).click();
    await page.keyboard.press("Space");
    await page.keyboard.press("c");
    await expect(page.getByRole("region", { name: "Comparison" })).toBeVisible();
  },
  settings: async (page) => {
    await page.keyboard.press("Control+,");
    await page.getByRole("button", { name: "Check this machine" }).click();
    await expect(page.getByRole("button", { name: "Check again" })).toBeVisible();
  },
  palette: async (page) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("run");
  },
  shortcuts: async (page) => {
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog", { name: "Shortcuts" })).toBeVisible();
  },
  welcome: async (page) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("welcome");
    await page.keyboard.press("Enter");
    await expect(page.getByText("Where should it run?")).toBeVisible();
  },
};

/** Those that show what a real engine has. */
const withEngine: Record<string, (page: Page, server: Server) => Promise<void>> = {
  sandbox: async (page) => {
    await page.getByRole("button", { name: /^Where it runs/ }).click();
    await page.getByRole("menuitemradio", { name: /^Sandbox/ }).click();
    await page.getByRole("button", { name: /^How it runs/ }).click();
    await page.getByLabel("Memory").fill("512 MiB");
    await run(page, "python3 --version; node --version; id");
    await expect(page.getByRole("list", { name: "What happened to the run" })).toContainText("succeeded");
    await page.getByRole("region", { name: "Sandbox of this run" }).getByRole("button").click();
  },
  images: async (page) => {
    await page.keyboard.press("Control+3");
    await page.getByRole("row", { name: /stigmer-sandbox-basic/ }).click();
    await page.getByRole("button", { name: "Verify" }).click();
    await expect(page.getByRole("rowheader", { name: "python" })).toBeVisible({ timeout: 30_000 });
  },
  building: async (page, server) => {
    await server.write({ Dockerfile: "FROM stigmer-test/tiny:1\nRUN exit 3\n" });
    await page.keyboard.press("Control+3");
    await page.getByRole("button", { name: "Build", exact: true }).click();
    await page.getByLabel("Name", { exact: true }).fill("my-tools:v8");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("region", { name: /was not built/ })).toBeVisible({ timeout: 30_000 });
  },
  packages: async (page) => {
    await page.keyboard.press("Control+3");
    await page.getByRole("row", { name: /stigmer-sandbox-basic/ }).click();
    await page.getByRole("button", { name: "Add packages" }).click();
    await page.getByLabel("apt").fill("ripgrep ");
    await page.getByLabel("pip").fill("pandas==2.2.3 ");
    await expect(page.getByRole("group", { name: "Lines of the Dockerfile" })).toBeVisible();
  },
  sandboxes: async (page, server) => {
    await server.stigmer("run", "--mode", "sandbox", "true");
    await page.keyboard.press("Control+4");
    await page
      .getByRole("row", { name: /^stigmer-/ })
      .first()
      .click();
    await expect(page.getByText("Sees of this computer")).toBeVisible();
  },
};

for (const theme of ["dark", "light"] as const) {
  for (const [name, show] of Object.entries({ ...screens, ...withEngine })) {
    test(`${name} ${theme}`, async ({ page, server, engine }) => {
      if (name in withEngine) {
        await engine(BASIC);
        await settings(server, { image: BASIC });
      }
      await project(server);
      if (name !== "empty") await seed(server);
      await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
      await open(page, server);
      await show(page, server);
      await photograph(page, `${name}-${theme}`);
    });
  }
}

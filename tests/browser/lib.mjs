// What every browser test shares: the browser, somebody who signs in, and a count of what it took.
import { createHmac } from "node:crypto";
import { chromium } from "playwright-core";
import { AxeBuilder } from "@axe-core/playwright";

const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

export async function browser() {
  return chromium.launch({
    executablePath: process.env.STRONGROOM_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

// RFC 6238 with SHA-1, six digits, thirty seconds.
export function code(base32, at = Date.now()) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let bits = "";
  for (const letter of base32) bits += letters.indexOf(letter).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const start = mac[19] & 15;
  return String((mac.readUInt32BE(start) & 0x7fffffff) % 1000000).padStart(6, "0");
}

// Somebody at a browser of their own. Counts pages, fields and keystrokes; checks every page it sees.
export class Person {
  static async enter(browser, base, who, options = {}) {
    const context = await browser.newContext({
      baseURL: base,
      javaScriptEnabled: options.scripts ?? true,
      extraHTTPHeaders: options.headers ?? {},
    });
    const page = await context.newPage();
    const person = new Person(page, who, options);
    page.on("console", (message) => {
      if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) person.faults.push(message.text());
    });
    page.on("pageerror", (error) => person.faults.push(String(error)));
    return person;
  }

  constructor(page, who, options) {
    this.page = page;
    this.who = who;
    this.count = { pages: 0, fields: 0, keystrokes: 0 };
    this.faults = [];
    this.keyboard = options.keyboard ?? false;
    this.axe = options.axe ?? true;
    this.checked = options.checked ?? new Set();
    this.shots = options.shots;
  }

  // After each arrival: axe on every page once, and the rules that hold for all of them.
  async arrived() {
    this.count.pages += 1;
    await this.look("");
  }

  // The same for a page that has changed since it arrived, under a name of its own.
  async look(changed) {
    const where = new URL(this.page.url()).pathname.replace(/\/[a-z]{3}_[a-z0-9]+/g, "/ID").replace(/[0-9a-f]{64}/g, "HASH");
    const title = await this.page.title();
    const key = `${where} ${title} ${changed}`.trim();
    if (this.axe && !this.checked.has(key)) {
      this.checked.add(key);
      const found = await new AxeBuilder({ page: this.page }).withTags(AXE_TAGS).analyze();
      for (const violation of found.violations) {
        for (const node of violation.nodes) {
          this.faults.push(`${key}: ${violation.id}: ${violation.help}: ${node.html.slice(0, 200)}`);
        }
      }
      const headings = await this.page.locator("h1").count();
      if (headings !== 1) this.faults.push(`${key}: ${headings} first headings`);
    }
  }

  async go(path) {
    await this.page.goto(path);
    await this.arrived();
  }

  // Sets a sign-in up by an invitation.
  async join(invitation, name, password) {
    await this.go("/join");
    await this.fill("Invitation", invitation);
    await this.press("Continue");
    const secret = await this.page.locator("#totp-key").innerText();
    await this.fill("Sign-in name", name);
    await this.fill("Password", password);
    await this.fill("Password again", password);
    await this.fill("Code", code(secret));
    await this.press("Set up and sign in");
    await this.see("Needs you");
  }

  async signIn() {
    await this.go("/sign-in");
    await this.fill("Sign-in name", this.who.name);
    await this.fill("Password", this.who.password);
    await this.fill("Code", code(this.who.secret));
    await this.press("Sign in");
  }

  async fill(label, text) {
    const field = this.page.getByLabel(label, { exact: true });
    this.count.fields += 1;
    this.count.keystrokes += text.length;
    if (this.keyboard) {
      await this.tabTo(field);
      await this.page.keyboard.press("Control+A");
      // Typed over what is there, coloured or not: the console must stay silent.
      if (text) await this.page.keyboard.type(text);
      else await this.page.keyboard.press("Delete");
    } else {
      await field.fill(text);
    }
  }

  async choose(label, option) {
    this.count.fields += 1;
    this.count.keystrokes += 1;
    const field = this.page.getByLabel(label, { exact: true });
    if (this.keyboard) {
      await this.tabTo(field);
      await this.page.keyboard.type(option);
    } else {
      await field.selectOption({ label: option });
    }
  }

  async check(label) {
    this.count.fields += 1;
    this.count.keystrokes += 1;
    const box = this.page.getByLabel(label, { exact: true });
    if (this.keyboard) {
      await this.tabTo(box);
      if (!(await box.isChecked())) await this.page.keyboard.press("Space");
    } else {
      await box.check();
    }
  }

  // A button; the page that follows is checked.
  async press(name) {
    await this.act(this.page.getByRole("button", { name, exact: true }).first());
  }

  async follow(name) {
    await this.act(this.page.getByRole("link", { name, exact: true }).first());
  }

  async act(target) {
    this.count.keystrokes += 1;
    if (this.keyboard) {
      await this.tabTo(target);
      await Promise.all([this.page.waitForEvent("load", { timeout: 60000 }), this.page.keyboard.press("Enter")]);
    } else {
      await Promise.all([this.page.waitForEvent("load", { timeout: 60000 }), target.click()]);
    }
    await this.arrived();
  }

  // Tab, as somebody without a mouse does, until the element has focus; and its focus can be seen.
  async tabTo(target) {
    const wanted = await target.elementHandle();
    for (let steps = 0; steps < 400; steps += 1) {
      const there = await wanted.evaluate((node) => {
        let active = document.activeElement;
        // The statement's editor is in a shadow root.
        while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
        if (active === node) return true;
        // Within a group of radios one stop stands for all.
        return active?.type === "radio" && node.type === "radio" && active.name === node.name && (node.focus(), true);
      });
      if (there) {
        return;
      }
      await this.page.keyboard.press("Tab");
    }
    this.faults.push(`${this.page.url()}: the keyboard does not reach ${await target.innerText().catch(() => "a field")}`);
    throw new Error("not reached with the keyboard");
  }

  async see(text) {
    await this.page.getByText(text, { exact: false }).first().waitFor({ timeout: 30000 });
  }

  async shot(name) {
    if (this.shots) await this.page.screenshot({ path: `${this.shots}/${name}.png`, fullPage: true });
  }
}

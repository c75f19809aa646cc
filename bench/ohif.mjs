// node ohif.mjs URL PICTURE SECONDS: opens a page in headless Chromium, saves a picture, prints its text.
import puppeteer from 'puppeteer-core';

const [url, picture, seconds] = process.argv.slice(2);
const wait = (s) => new Promise((done) => setTimeout(done, s * 1000));
const args = ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'];
const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM, headless: true, args });
const page = await browser.newPage();
await page.setViewport({ width: 1500, height: 900 });
await page.goto(url, { waitUntil: 'domcontentloaded' });
await wait(Number(seconds));
for (const name of ['Confirm and hide', 'Skip all', 'Yes']) {
  await page.evaluate((text) => {
    [...document.querySelectorAll('button')].find((one) => one.innerText.trim() === text)?.click();
  }, name);
  await wait(2);
}
await page.screenshot({ path: picture });
console.log(await page.evaluate(() => document.body.innerText));
await browser.close();

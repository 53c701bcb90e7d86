// A picture that the server had no time for (status 503) is asked for again, a few times.

const ATTEMPTS = 5;
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const waiting = new WeakSet();

async function again(picture) {
  const address = picture.currentSrc;
  if (!address.startsWith(`${location.origin}/`) || waiting.has(picture)) return; // not previews of uploads
  waiting.add(picture);
  for (let attempt = 0; attempt < ATTEMPTS && picture.isConnected && picture.currentSrc === address; attempt += 1) {
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok) {
      picture.srcset = picture.srcset; // is loaded again, from the browser's cache
      return;
    }
    if (answer?.status !== 503) return;
    // Not all pictures of a page at the same time.
    await pause(Number(answer.headers.get("Retry-After")) * (0.5 + Math.random()));
  }
}

document.addEventListener("error", (event) => {
  if (event.target instanceof HTMLImageElement) again(event.target);
}, true);
for (const picture of document.images) {
  if (picture.complete && !picture.naturalWidth) again(picture); // before this script
}

// The pictures of a product in a viewer that zooms (PhotoSwipe), loaded when it is first opened.
"use strict";

const gallery = document.querySelector(".gallery[data-viewer]");

if (gallery) {
  const links = [...gallery.querySelectorAll("a.tile")];
  const MAX_SIDE = 1280; // the width of large pictures in shop/thumbnails.py

  const slide = (link) => {
    const { width, height } = link.dataset;
    const scale = Math.min(1, MAX_SIDE / width);
    const shown = link.querySelector("img");
    return {
      src: link.href,
      msrc: shown.currentSrc,
      element: link,
      width: Math.round(width * scale),
      height: Math.round(height * scale),
      alt: shown.alt,
      thumbCropped: false,
    };
  };

  const loadStyles = () =>
    new Promise((resolve) => {
      const styles = document.createElement("link");
      styles.rel = "stylesheet";
      styles.href = gallery.dataset.viewerStyles;
      styles.onload = styles.onerror = resolve;
      document.head.append(styles);
    });
  let styles;

  const open = async (index) => {
    styles ??= loadStyles();
    const [{ default: PhotoSwipe }] = await Promise.all([import(gallery.dataset.viewer), styles]);
    const viewer = new PhotoSwipe({
      dataSource: links.map(slide),
      index,
      bgOpacity: 1,
      secondaryZoomLevel: 2,
      maxZoomLevel: 4,
      showHideAnimationType: matchMedia("(prefers-reduced-motion: reduce)").matches ? "none" : "zoom",
      errorMsg: gallery.dataset.failed,
      closeTitle: gallery.dataset.close,
      zoomTitle: gallery.dataset.zoom,
      arrowPrevTitle: gallery.dataset.previous,
      arrowNextTitle: gallery.dataset.next,
    });
    viewer.on("destroy", () => links[viewer.currIndex]?.focus({ preventScroll: true }));
    viewer.init();
  };

  gallery.addEventListener("click", (event) => {
    const link = event.target.closest("a.tile");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(links.indexOf(link)).catch(() => window.location.assign(link.href));
  });
}

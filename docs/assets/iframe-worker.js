// A page that is read from disk may start no workers, and the site's search is one. So here it runs in a hidden frame of the page.
// (The theme would load the same from a server; its plugin `offline` leaves that out when a script of this name is given.)
if (location.protocol === "file:") {
  window.Worker = window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.srcdoc = "<!doctype html>";
      this.ready = new Promise((begun, failed) => {
        this.frame.addEventListener("load", () => {
          const inside = this.frame.contentWindow;
          const load = (source) =>
            new Promise((loaded, missing) => {
              const script = inside.document.createElement("script");
              script.src = source;
              script.onload = loaded;
              script.onerror = () => missing(new Error(`cannot load ${source}`));
              inside.document.head.append(script);
            });
          inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
          inside.importScripts = (...sources) => Promise.all(sources.map(load));
          load(new URL(url, document.baseURI)).then(() => begun(inside), failed);
        });
      });
      document.body.append(this.frame);
    }

    postMessage(data) {
      this.ready.then((inside) => inside.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}

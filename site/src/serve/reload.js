// Loads a page of `cargo serve` again when the guide was built again. The server adds this script to
// each page, and says in `data-build` which build the page is from.
//
// The page asks for a newer build, and the server answers when there is one. A hidden page doesn't ask:
// a browser has at most six connections to a server, so that a seventh page would never load.
'use strict';

(() => {
    const { build } = document.currentScript.dataset;
    const AGAIN = 1000; // ms, after the server didn't answer
    const key = `place ${location.pathname}`;
    const isMistake = 'mistake' in document.documentElement.dataset;
    let asking = null;

    async function ask() {
        if (document.hidden || asking) {
            return;
        }
        asking = new AbortController();
        try {
            const response = await fetch(`/_newer/${build}`, { signal: asking.signal });
            if (response.ok) {
                load();
                return;
            }
        } catch { /* The page was hidden, or the server has ended and will perhaps start again. */ }
        asking = null;
        setTimeout(ask, AGAIN);
    }

    // The page of a mistake is short. So the browser would forget where the reader was.
    function load() {
        if (!isMistake) {
            sessionStorage.setItem(key, scrollY);
        }
        history.scrollRestoration = 'manual';
        location.reload();
    }

    const place = sessionStorage.getItem(key);
    if (place !== null && !isMistake) {
        sessionStorage.removeItem(key);
        scrollTo({ top: Number(place), behavior: 'instant' });
        history.scrollRestoration = 'auto';
    }

    document.addEventListener('visibilitychange', () => {
        if (document.hidden) {
            asking?.abort();
        } else {
            ask();
        }
    });
    addEventListener('pageshow', ask);
    addEventListener('pagehide', () => asking?.abort());
})();

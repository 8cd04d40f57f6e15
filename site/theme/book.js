// What every page gets beside its text, in place of mdBook 0.5.4's book.js: the theme, the contents,
// the search, keys that turn the page, and buttons that copy. All of it is extra: without script the
// contents are in the page, code is coloured and links lead on.
'use strict';

(() => {
    /* global elasticlunr, path_to_root */
    const root = document.documentElement;

    function make(name, attributes = {}, ...children) {
        const element = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) {
            element.setAttribute(key, value);
        }
        element.append(...children);
        return element;
    }

    // A browser may forbid to keep anything.
    function kept(key) {
        try {
            return localStorage.getItem(key);
        } catch {
            return null;
        }
    }
    function keep(key, value) {
        try {
            localStorage.setItem(key, value);
        } catch { /* Then it holds for this page. */ }
    }

    // ---- The theme.

    const theme = document.getElementById('theme');
    theme.value = root.dataset.theme ?? 'system';
    theme.addEventListener('change', () => {
        if (theme.value === 'system') {
            delete root.dataset.theme;
        } else {
            root.dataset.theme = theme.value;
        }
        keep('mdbook-theme', theme.value);
    });

    // ---- The contents: beside the chapter where there is room, over it where there is none.

    const contents = document.getElementById('contents');
    const contentsButton = document.getElementById('contents-button');
    const wide = matchMedia('(min-width: 1080px)');
    const areShown = () => contents.checkVisibility();

    function say() {
        contentsButton.setAttribute('aria-expanded', areShown());
    }
    function closeOver() {
        root.classList.remove('contents-open');
        say();
    }
    contentsButton.addEventListener('click', () => {
        if (wide.matches) {
            keep('mdbook-sidebar', root.classList.toggle('contents-closed') ? 'hidden' : 'visible');
        } else {
            root.classList.toggle('contents-open');
        }
        say();
        if (areShown()) {
            (contents.querySelector('[aria-current]') ?? contents.querySelector('a')).focus();
        }
    });
    contents.addEventListener('keydown', event => {
        if (event.key === 'Escape' && !wide.matches) {
            closeOver();
            contentsButton.focus();
        }
    });
    // They lie over the chapter: what has the focus must not be below them.
    contents.addEventListener('focusout', event => {
        if (event.relatedTarget && !contents.contains(event.relatedTarget)) {
            closeOver();
        }
    });
    contents.addEventListener('click', event => {
        if (event.target.closest('a')) {
            closeOver();
        }
    });
    wide.addEventListener('change', closeOver);
    say();

    // Marks the section that is being read: the last one whose heading is at the top of the window, or
    // above. The last of all may be too short to get there.
    const TOP = 120; // px
    function follow(links) {
        const headings = links.map(link => document.getElementById(link.hash.slice(1)));
        let marked = null;
        let waiting = false;
        function mark() {
            waiting = false;
            const end = scrollY > 0 && Math.ceil(scrollY + innerHeight) >= document.documentElement.scrollHeight;
            const read = end ? headings.length - 1
                : headings.findLastIndex(heading => heading.getBoundingClientRect().top < TOP);
            if (links[read] === marked) {
                return;
            }
            marked?.removeAttribute('aria-current');
            marked = links[read];
            marked?.setAttribute('aria-current', 'location');
            if (marked && wide.matches && !contents.contains(document.activeElement)) {
                marked.scrollIntoView({ block: 'nearest' });
            }
        }
        document.addEventListener('scroll', () => {
            if (!waiting) {
                waiting = true;
                requestAnimationFrame(mark);
            }
        }, { passive: true });
        mark();
    }

    // The page that is open, and its sections below all of them: so nothing that is shown moves.
    const here = location.pathname.replace(/\/$/, '/index.html').split('/').pop().replace(/\.html$/, '');
    const links = [...contents.querySelectorAll('a')];
    const name = link => link.getAttribute('href').replace(/\.html$/, '');
    const current = links.find(link => name(link) === (here === 'index' ? name(links[0]) : here));
    if (current) {
        current.setAttribute('aria-current', 'page');
        const sections = [...document.querySelectorAll('main > h2[id]')].map(heading =>
            make('li', {}, make('a', { href: `#${heading.id}` }, heading.textContent)));
        if (sections.length > 0) {
            contents.append(make('h2', {}, 'On this page'), make('ol', { class: 'sections' }, ...sections));
            follow(sections.map(item => item.firstChild));
        }
        if (wide.matches && current.offsetTop > contents.clientHeight / 2) {
            contents.scrollTop = current.offsetTop - 40;
        }
    }

    // ---- The search. The library and the index come with the first use.

    const searchButton = document.getElementById('search-button');
    const dialog = document.getElementById('search');
    const words = document.getElementById('search-words');
    const status = document.getElementById('search-status');
    const results = document.getElementById('search-results');
    const MOST = 20; // results
    const AROUND = 80; // letters before and after a word that was found
    let loading = null;

    function load(address) {
        return new Promise((resolve, reject) => {
            const script = make('script', { src: address });
            script.addEventListener('load', resolve);
            script.addEventListener('error', () => {
                script.remove();
                reject(new Error(address));
            });
            document.head.append(script);
        });
    }

    function index() {
        loading ??= (async () => {
            window.search = {};
            await load(searchButton.dataset.search);
            await load(searchButton.dataset.index);
            return { ...window.search, index: elasticlunr.Index.load(window.search.index) };
        })();
        return loading;
    }

    // Where one of the words stands, and the letters round it.
    function teaser(body, terms) {
        const lower = body.toLowerCase();
        const places = terms.map(term => lower.indexOf(term)).filter(place => place >= 0);
        const start = Math.max(0, Math.min(...places, lower.length) - AROUND);
        const from = start === 0 || places.length === 0 ? 0 : body.indexOf(' ', start) + 1;
        const end = from + 2 * AROUND < body.length ? body.lastIndexOf(' ', from + 2 * AROUND) : body.length;
        return `${from > 0 ? '… ' : ''}${body.slice(from, end)}${end < body.length ? ' …' : ''}`;
    }

    async function search() {
        const asked = words.value.trim();
        let found;
        try {
            status.textContent = 'Loading the index…';
            const { index: pages, doc_urls, search_options } = await index();
            if (asked !== words.value.trim()) {
                return; // more was typed while it was loaded
            }
            found = asked === '' ? [] : pages.search(asked, search_options)
                .map(({ ref, doc }) => ({ ...doc, address: doc_urls[ref] }));
        } catch (error) {
            console.warn('The search could not be loaded:', error);
            loading = null;
            status.textContent = 'The search could not be loaded. Type another letter to try again.';
            return;
        }
        const terms = asked.toLowerCase().split(/\s+/);
        results.replaceChildren(...found.slice(0, MOST).map(page => make('li', {},
            make('a', { href: path_to_root + page.address }, page.breadcrumbs),
            make('p', {}, teaser(page.body, terms)))));
        status.textContent = asked === '' ? ''
            : found.length === 0 ? `Nothing is found for “${asked}”.`
                : found.length > MOST ? `${found.length} sections. The first ${MOST}:`
                    : found.length === 1 ? '1 section:' : `${found.length} sections:`;
    }

    if (searchButton) {
        searchButton.addEventListener('click', () => {
            dialog.showModal();
            words.select();
            search();
        });
        words.addEventListener('input', search);
        // Enter follows the first result. It would close the dialog.
        words.addEventListener('keydown', event => {
            if (event.key === 'Enter') {
                event.preventDefault();
                results.querySelector('a')?.click();
            } else if (event.key === 'Escape') {
                event.preventDefault();
                dialog.close(); // The browser would clear the words, and close at the second press.
            }
        });
        results.addEventListener('click', event => {
            if (event.target.closest('a')) {
                dialog.close();
            }
        });
        // A click beside it closes it.
        dialog.addEventListener('click', event => {
            if (event.target === dialog) {
                dialog.close();
            }
        });
    }

    // ---- Keys, where nothing else takes them.

    document.addEventListener('keydown', event => {
        const taken = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || dialog?.open
            || event.target.closest('input, select, textarea, [contenteditable]');
        if (taken) {
            return;
        }
        const turn = { ArrowLeft: '.steps .previous', ArrowRight: '.steps .next' }[event.key];
        if (turn) {
            document.querySelector(turn)?.click();
        } else if (searchButton && (event.key === '/' || event.key === 's')) {
            event.preventDefault();
            searchButton.click();
        }
    });

    // ---- Code: it scrolls by keyboard, and can be copied.

    // The keyboard reaches a block that is wider than the page, and the arrow keys scroll it.
    const blocks = new ResizeObserver(entries => {
        for (const { target } of entries) {
            if (target.scrollWidth > target.clientWidth) {
                target.tabIndex = 0;
            } else {
                target.removeAttribute('tabindex');
            }
        }
    });
    for (const code of document.querySelectorAll('pre > code')) {
        blocks.observe(code);
        code.addEventListener('keydown', event => {
            if (code.hasAttribute('tabindex') && event.key.startsWith('Arrow')) {
                event.stopPropagation();
            }
        });
    }

    // Of what was typed into a terminal, the commands.
    function copied(code) {
        const text = code.textContent.trimEnd();
        if (code.dataset.language !== 'console') {
            return text;
        }
        const commands = text.split('\n').filter(line => line.startsWith('$ '));
        return commands.map(line => line.slice(2)).join('\n');
    }

    for (const figure of document.querySelectorAll('figure.listing')) {
        const code = figure.querySelector('pre > code');
        const caption = figure.querySelector('figcaption');
        if (!code || !caption || !navigator.clipboard) {
            continue;
        }
        const button = make('button', { type: 'button', class: 'copy' }, 'Copy');
        button.addEventListener('click', async () => {
            try {
                await navigator.clipboard.writeText(copied(code));
                button.textContent = 'Copied';
            } catch {
                getSelection().selectAllChildren(code);
                button.textContent = 'Selected';
            }
            button.addEventListener('blur', () => { button.textContent = 'Copy'; }, { once: true });
        });
        caption.append(button);
    }
})();

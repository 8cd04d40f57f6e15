// The script of every page, in place of mdBook 0.5.4's book.js: the theme, the contents, the search,
// keys for the previous and next chapter, and buttons that copy. Without script, a page still has its
// contents, highlighted code and links to the other chapters.
'use strict';

(() => {
    /* global elasticlunr */
    const root = document.documentElement;

    function make(name, attributes = {}, ...children) {
        const element = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) {
            element.setAttribute(key, value);
        }
        element.append(...children);
        return element;
    }

    // A browser may forbid access to its storage.
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
        } catch { /* The setting is lost with this page. */ }
    }

    // ---- The theme.

    const THEME = 'mdbook-theme';
    const theme = document.getElementById('UI-theme');
    function applyTheme(chosen) {
        theme.value = ['light', 'dark'].includes(chosen) ? chosen : 'system';
        if (theme.value === 'system') {
            delete root.dataset.theme;
        } else {
            root.dataset.theme = theme.value;
        }
    }
    // The script in the page's head has done this already, unless the site allows no inline script.
    root.classList.add('js');
    root.classList.toggle('contents-closed', kept('mdbook-sidebar') === 'hidden');
    applyTheme(kept(THEME));
    theme.addEventListener('change', () => {
        applyTheme(theme.value);
        keep(THEME, theme.value);
    });
    // The reader has chosen another theme in another tab, or before they came back to this page.
    addEventListener('storage', ({ key, newValue }) => {
        if (key === THEME) {
            applyTheme(newValue);
        }
    });
    addEventListener('pageshow', ({ persisted }) => {
        if (persisted) {
            applyTheme(kept(THEME));
        }
    });

    // ---- The bar. With large letters it has more rows, and the layout below depends on its height.

    const bar = document.querySelector('.bar');
    new ResizeObserver(() => root.style.setProperty('--bar', `${bar.offsetHeight}px`)).observe(bar);

    // ---- The contents: beside the chapter on a wide screen, over it on a narrow one.

    const contents = document.getElementById('UI-contents');
    const contentsButton = document.getElementById('UI-contents-button');
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
            (contents.querySelector('[aria-current]') ?? contents.querySelector('ol a')).focus();
        }
    });
    contents.addEventListener('keydown', event => {
        if (event.key === 'Escape' && !wide.matches) {
            closeOver();
            contentsButton.focus();
        }
    });
    // The contents cover the chapter, so they close when the focus moves into it. Their button is not
    // covered.
    contents.addEventListener('focusout', event => {
        const next = event.relatedTarget;
        if (next && next !== contentsButton && !contents.contains(next)) {
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

    // Marks the section that the reader is in: the last one whose heading is at or above the top of the
    // window. The last sections may be too short to reach the top.
    const BELOW_THE_BAR = 60; // px
    function follow(headings, links) {
        let marked = null;
        let waiting = false;
        function mark() {
            waiting = false;
            const top = parseFloat(getComputedStyle(root).scrollPaddingBlockStart) + BELOW_THE_BAR;
            const end = scrollY > 0 && Math.ceil(scrollY + innerHeight) >= root.scrollHeight;
            const read = end ? headings.length - 1
                : headings.findLastIndex(heading => heading.getBoundingClientRect().top < top);
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

    // The current chapter. Its sections are at the end, so that nothing moves when they are added. On a wide
    // screen, they have a place of their own below the list of chapters, which scrolls by itself.
    const here = location.pathname.replace(/\/$/, '/index.html').split('/').pop().replace(/\.html$/, '');
    const links = [...contents.querySelectorAll('ol a')];
    const name = link => link.getAttribute('href').replace(/\.html$/, '');
    const current = links.find(link => name(link) === (here === 'index' ? name(links[0]) : here));
    // The 404 page has a <base> and is not a chapter.
    if (current && !document.querySelector('base')) {
        current.setAttribute('aria-current', 'page');
        const headings = [...document.querySelectorAll('main > h2[id]')];
        const sections = headings.map(heading => make('a', { href: `#${heading.id}` }, heading.textContent));
        // After a link to a section, the Tab key goes on from the heading and not from the contents.
        headings.forEach(heading => { heading.tabIndex = -1; });
        if (sections.length > 0) {
            contents.append(make('div', { class: 'here' }, make('h2', {}, 'On this page'),
                make('ol', { class: 'sections' }, ...sections.map(link => make('li', {}, link)))));
            follow(headings, sections);
        }
        const list = current.closest('nav > ol');
        const ABOVE = 40; // px
        const top = link => link.getBoundingClientRect().top - list.getBoundingClientRect().top;
        const chapter = current.closest('.section')?.parentElement.querySelector('a') ?? current;
        const half = list.clientHeight / 2;
        if (wide.matches && top(current) > half) {
            // The chapter's own link is in view, too, if there's room for both.
            list.scrollTop += top(top(current) - top(chapter) < half ? chapter : current) - ABOVE;
        }
    }

    // A chapter of several pages is folded in the contents, unless one of its pages is open. A button unfolds
    // it, so that you can see its pages without leaving this one. (The style sheet has already folded it, so
    // nothing moves here.)
    for (const pages of contents.querySelectorAll('ol.section')) {
        const chapter = pages.parentElement;
        const link = chapter.querySelector('a');
        const title = link.textContent.replace(/^[\d.]+ /, '');
        const button = make('button', { type: 'button', class: 'fold', 'aria-label': `Pages of “${title}”` });
        const unfold = open => button.setAttribute('aria-expanded', open);
        button.addEventListener('click', () => unfold(button.getAttribute('aria-expanded') === 'false'));
        unfold(chapter.querySelector('[aria-current]') !== null);
        link.after(button);
    }

    // ---- The search. Its library and index are loaded on first use.

    const searchButton = document.getElementById('UI-search-button');
    const dialog = document.getElementById('UI-search');
    const words = document.getElementById('UI-search-words');
    const status = document.getElementById('UI-search-status');
    const results = document.getElementById('UI-search-results');
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
            const { index, doc_urls, search_options } = window.search;
            const pages = Object.values(index.documentStore.docs).map(({ id, title, body, breadcrumbs }) =>
                [String(id), { body, breadcrumbs, address: doc_urls[id], packed: packed(`${title} ${body}`) }]);
            return { index: elasticlunr.Index.load(index), pages: new Map(pages), search_options };
        })();
        return loading;
    }

    // mdBook writes typographic characters in the place of those that people type. Each of these has
    // the length of its counterpart, so that a place in one text is the place in the other.
    function folded(words) {
        return words.toLowerCase().replace(/[‘’ʼ′]/g, "'").replace(/[“”„″]/g, '"').replace(/[‐‑–—−]/g, '-');
    }

    // The index has a space wherever the highlighting of code changes. So spaces do not count.
    function packed(words) {
        return folded(words).replace(/\s+/g, '');
    }

    // Sections with the exact text come first, because the index splits terms such as `x-request-id`.
    function find(asked, { index, pages, search_options }) {
        const ranked = index.search(folded(asked), search_options).map(({ ref }) => ref);
        const typed = packed(asked);
        const has = ref => pages.get(ref).packed.includes(typed);
        const first = ranked.filter(has);
        const missed = [...pages.keys()].filter(ref => has(ref) && !first.includes(ref));
        const others = ranked.filter(ref => !first.includes(ref));
        // These pages name everything, and the sections that they lead to explain it.
        const inIndex = ref => /^(from-express|glossary|messages|runtime-messages|statuses)\.html/.test(pages.get(ref).address);
        const exact = [...first, ...missed];
        const sorted = [...exact.filter(ref => !inIndex(ref)), ...exact.filter(inIndex), ...others];
        return sorted.map(ref => pages.get(ref));
    }

    // The place of the search terms in a text: of the exact text, or of the first term that is found.
    function place(body, asked) {
        const letters = [];
        [...body.matchAll(/\S/g)].forEach(({ 0: letter, index }) => {
            letters.push(...Array.from({ length: letter.toLowerCase().length }, () => index));
        });
        const text = packed(body);
        for (const typed of [asked, ...asked.split(/\s+/)].map(packed)) {
            const start = text.indexOf(typed);
            if (start >= 0) {
                return [letters[start], letters[start + typed.length - 1] + 1];
            }
        }
        return [0, 0];
    }

    // That place, marked, with the text around it.
    function teaser(body, asked) {
        const [start, end] = place(body, asked);
        const from = start <= AROUND ? 0 : body.indexOf(' ', start - AROUND) + 1;
        const to = end + AROUND >= body.length ? body.length : body.lastIndexOf(' ', end + AROUND);
        return [
            `${from > 0 ? '… ' : ''}${body.slice(from, start)}`,
            make('mark', {}, body.slice(start, end)),
            `${body.slice(end, Math.max(to, end))}${to < body.length ? ' …' : ''}`,
        ];
    }

    // The words of pasted code, such as `res.status(404)`, of which the index has no exact text.
    function loosely(asked) {
        return asked.replace(/[^\p{L}\p{N}_]+/gu, ' ').trim();
    }

    async function search() {
        const asked = words.value.trim();
        let found;
        let none = '';
        try {
            status.textContent = 'Loading the search index…';
            const loaded = await index();
            if (asked !== words.value.trim()) {
                return; // the input has changed while the index was loaded
            }
            found = asked === '' ? [] : find(asked, loaded);
            const loose = loosely(asked);
            if (found.length === 0 && loose !== asked && loose !== '') {
                found = find(loose, loaded);
                none = `No results for “${asked}”. For its words: `;
            }
        } catch (error) {
            console.warn('The search could not be loaded:', error);
            loading = null;
            status.textContent = 'The search index could not be loaded. Reload this page: perhaps you are '
                + 'offline, or the guide was published again since you opened it.';
            return;
        }
        results.replaceChildren(...found.slice(0, MOST).map(page => make('li', {},
            make('a', { href: root.dataset.root + page.address }, page.breadcrumbs),
            make('p', {}, ...teaser(page.body, asked)))));
        status.textContent = asked === '' ? ''
            : found.length === 0 ? `No results for “${asked}”. Try fewer words, or look into the glossary.`
                : none + (found.length > MOST ? `${found.length} results. The first ${MOST}:`
                    : found.length === 1 ? '1 result:' : `${found.length} results:`);
    }

    if (searchButton) {
        searchButton.addEventListener('click', () => {
            dialog.showModal();
            words.select();
            search();
        });
        words.addEventListener('input', search);
        // Enter opens the first result. By default it would close the dialog.
        words.addEventListener('keydown', event => {
            if (event.isComposing) {
                return; // an input method is choosing a character
            }
            if (event.key === 'Enter') {
                event.preventDefault();
                results.querySelector('a')?.click();
            } else if (event.key === 'Escape') {
                event.preventDefault();
                dialog.close(); // by default the first press would only clear the input
            }
        });
        results.addEventListener('click', event => {
            if (event.target.closest('a')) {
                dialog.close();
            }
        });
        // A click beside the dialog closes it.
        dialog.addEventListener('click', event => {
            const { left, right, top, bottom } = dialog.getBoundingClientRect();
            const { clientX: x, clientY: y } = event;
            if (event.target === dialog && (x < left || x > right || y < top || y > bottom)) {
                dialog.close();
            }
        });
    }

    // ---- Keys, if the focused element does not use them. None is a letter alone, because speech input
    // can trigger such keys by accident (WCAG 2.2, 2.1.4).

    const scrollsSideways = element => element.scrollWidth > element.clientWidth;
    document.addEventListener('keydown', event => {
        if (dialog?.open || event.altKey || event.shiftKey) {
            return;
        }
        const control = event.ctrlKey || event.metaKey;
        const turn = { ArrowLeft: '.steps .previous', ArrowRight: '.steps .next' }[event.key];
        if (control && searchButton && event.key.toLowerCase() === 'k') {
            event.preventDefault();
            searchButton.click();
        } else if (!control && turn && !event.target.closest('input, select, textarea, button, summary, .console')
            && !scrollsSideways(event.target)) {
            document.querySelector(turn)?.click();
        }
    });

    // ---- Code: keyboard scrolling, and a button that copies.

    // A block or a table that is wider than the page can have the focus, so that the arrow keys
    // scroll it. All widths are read before the first attribute changes: a width that is read after
    // a change makes the browser lay out the page again, and the page of all chapters has more than
    // a thousand blocks.
    const blocks = new ResizeObserver(entries => {
        const measured = entries.map(({ target }) => [target, scrollsSideways(target)]);
        for (const [target, scrolls] of measured) {
            if (scrolls) {
                target.tabIndex = 0;
            } else {
                target.removeAttribute('tabindex');
            }
        }
    });
    for (const block of document.querySelectorAll('pre > code, .table-wrapper')) {
        blocks.observe(block);
    }

    // The texts to copy, by the label of the button. Of a terminal session, only the commands. If one of
    // them starts a server, it keeps its terminal, and the other commands belong into a second one.
    const SERVER = /^(?:[A-Z_]+=\S+ )*cargo (?:run(?! .*--example)|chapter)\b/;
    function copied(code) {
        const text = code.textContent.trimEnd();
        if (code.dataset.language !== 'console') {
            return { Copy: text };
        }
        // A command may continue on the next line.
        const commands = (text.match(/^\$ (?:.*\\\n)*.*/gm) ?? []).map(command => command.slice(2));
        const start = commands.findIndex(command => SERVER.test(command));
        const others = commands.slice(start + 1).filter(command => !SERVER.test(command));
        if (start < 0 || others.length === 0) {
            return { Copy: commands.join('\n') };
        }
        return { 'Copy terminal 1': commands.slice(0, start + 1).join('\n'), 'Copy terminal 2': others.join('\n') };
    }

    // Screen readers don't announce a changed label of a button, so this element does it.
    const heard = make('p', { class: 'heard', role: 'status' });
    document.querySelector('.content > footer').append(heard);

    for (const figure of document.querySelectorAll('figure.listing')) {
        const code = figure.querySelector('pre > code');
        const caption = figure.querySelector('figcaption');
        if (!code || !caption || !navigator.clipboard) {
            continue;
        }
        const { file } = figure.dataset;
        for (const [label, text] of Object.entries(copied(code))) {
            const named = label === 'Copy' ? `Copy ${file}` : `${label}: ${file}`;
            const button = make('button', { type: 'button', class: 'copy', 'aria-label': named }, label);
            button.addEventListener('click', async () => {
                try {
                    await navigator.clipboard.writeText(text);
                    button.textContent = 'Copied';
                } catch {
                    getSelection().selectAllChildren(code);
                    button.textContent = 'Selected';
                }
                heard.textContent = `${button.textContent}: ${file}`;
                button.focus(); // Safari does not focus a button when it is clicked
            });
            button.addEventListener('blur', () => {
                button.textContent = label;
                heard.textContent = '';
            });
            caption.append(button);
        }
    }
})();

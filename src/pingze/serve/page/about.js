// The pages About and Help in the reader's colours; the Chinese one in the reader's script.

import { ask } from "./api.js";
import { learn, settings, shown } from "./settings.js";
import { verseLanguage } from "./words.js";

document.documentElement.dataset.theme = settings.theme;
if (document.documentElement.lang.startsWith("zh") && settings.script === "simplified") {
  learn(await ask("script"));
  document.documentElement.lang = verseLanguage();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) texts.currentNode.nodeValue = shown(texts.currentNode.nodeValue);
  document.title = shown(document.title);
}

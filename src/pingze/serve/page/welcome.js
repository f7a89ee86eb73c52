// What stands on the sheet before a reader has written anything.

import { newEntry } from "./state.js";

/** A poem that pingze composed: 七絕, title 秋夜, after 李白, seed 4. */
const POEM = {
  form: "七絕",
  template: "平起首句不入韻",
  rhyme: "尤",
  title: "秋夜",
  poet: "李白",
  seed: 4,
  model: "tang",
  lines: ["青楓葉下荆江月", "白玉杯中水底流", "人散離魂千萬里", "一聲寒雨向西秋"],
  log_probability: null,
};

export const welcome = () => newEntry(POEM, { form: POEM.form, title: POEM.title, poet: POEM.poet });

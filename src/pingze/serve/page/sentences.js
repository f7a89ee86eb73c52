// What the server tells as a code with parameters (docs/serving.md), said in the reader's language. Its own sentences are
// English: they are shown as they are to readers of English, and where a code is not known here.

import { shown } from "./script.js";
import { settings } from "./settings.js";
import { nameOf } from "./words.js";

const list = (items) => (Array.isArray(items) ? items : [items]).join("、");
/** @param {Record<string, any>} place */
const at = ({ line, position }) => (line ? `第 ${line} 句${position ? `第 ${position} 字` : ""}` : "");

const PROBLEMS = {
  range: ({ field, has, ...bounds }) => `「${nameOf(field)}」是 ${has}，須${within(bounds)}。`,
  choice: ({ field, has, choices }) => `「${nameOf(field)}」沒有「${has}」；可用：${list(choices.slice(0, 12))}。`,
  too_long: ({ field, has, most }) => {
    const unit = ["pattern", "poem"].includes(field) ? "句" : "字";
    return `「${nameOf(field)}」有 ${has} ${unit}，至多 ${most} ${unit}。`;
  },
  surrogate: ({ field }) => `「${nameOf(field)}」裡有不完整的字。`,
  empty: ({ field }) => (field === "text" ? "沒有找到詩句。" : `「${nameOf(field)}」是空的。`),
  character: ({ field, has, choices }) =>
    `「${nameOf(field)}」：模型不識「${has}」${choices?.length ? `，或許是「${choices.join("」或「")}」` : ""}。`,
  too_many_words: ({ has }) => `必用的 ${has} 個詞，排法太多；請少用幾個，或改用單字。`,
  no_room: ({ has, most }) => `必用的字有 ${has} 個，至多 ${most} 個。`,
  line_count: ({ form, has, wanted }) =>
    `${form}${wanted ? `須 ${wanted} 句` : form.endsWith("排") ? "須十句以上，且成雙" : "的句數須成雙"}，不能是 ${has} 句。`,
  block_width: ({ line, has, wanted }) => `定字的第 ${line} 句須 ${wanted} 字，寫了 ${has} 字。`,
  oblique_rhyme: ({ form, has }) => `${form}押平聲韻，${has}韻是仄聲。`,
  no_condition: ({ field, model }) => `模型 ${model} 不識「${nameOf(field)}」。`,
  no_poem: () => "這不是一首詩。",
  shape: ({ form, wanted, width }) => `${form}須${linesOf(form, wanted)}每句 ${width} 字。`,
  too_slow: ({ seconds, takes }) =>
    takes
      ? `約需 ${Math.ceil(takes)} 秒，超過 ${seconds} 秒之限，沒有開始；請少作幾首，或減少句數。`
      : `過了 ${seconds} 秒還沒有算完；請少作幾首，或減少句數。`,
  unfinished: (cause) => `每一稿都走不下去${at(cause) ? `（${at(cause)}）` : ""}：放寬一些再試。`,
  no_corpus: () => "這需要詩庫，這臺機器上沒有。",
  value: ({ field, has }) => (field === "keep" ? `詩中沒有「${has}」，無從保留。` : undefined),
  not_regulated: () => "只能代改絕句、律詩、排律。",
  busy: () => "此刻太忙，稍候再試。",
  fault: () => "pingze 出了錯；這次的請求沒有留存。",
};

const CLASHES = {
  include: ({ has }) => `必用「${has}」`,
  exclude: ({ has }) => `不用「${has}」`,
  rhyme: ({ has }) => `押${has}韻`,
  template: ({ has }) => `譜用${has}`,
  level: () => "聲律從嚴",
  original: ({ has }) => `與古人連續同字至多 ${has}`,
  repeat: () => "不許重字",
  keep: ({ has }) => `保留「${has}」`,
};

const REMARKS = {
  lines: ({ count, least, most, name }) =>
    count
      ? `共 ${count} 句，每句 ${least === most ? least : `${least} 至 ${most}`} 字${name ? `（${name}）` : ""}。`
      : "沒有找到詩句。",
  read_as: ({ form, other, faults }) => `當作${form}來讀：若作${other}，有 ${faults} 處不合。`,
  not_checked: ({ form, wanted, width }) =>
    `不是${form}的樣子（${linesOf(form, wanted)}每句 ${width} 字），平仄與押韻未驗。`,
  neighbour_rhyme: ({ wanted, has, rare }) =>
    `首句借鄰韻（孤雁入群，一說出群）：它屬${list(has)}，全詩押${wanted}。${rare ? "唐人少有這樣借的。" : ""}`,
  rare_rhyme: ({ line, has, wanted, times, total }) =>
    `第 ${line} 句以「${has}」押${wanted}韻，書上有而詩中少見：${total} 次押韻中 ${times} 次。`,
  one_word: ({ line, has, other_line, other }) =>
    `「${has}」「${other}」是同一個字的兩種寫法，第 ${line}、${other_line} 句重韻。`,
  chosen: ({ has, more }) =>
    `依上下文認字：${counted(
      has.map((one) => one.replace(/(.) as (.)/, "「$1」作「$2」")),
      more,
    )}。`,
  converted: ({ field, has, read }) => `「${nameOf(field)}」：「${has}」認作「${read}」。`,
  not_known: ({ field, has }) => `「${nameOf(field)}」：模型不識「${has.join("」「")}」，讀時略去。`,
  mood: ({ has }) => `題中有${{ joyful: "喜", sad: "哀" }[has]}意，詩隨之；要別的，請選「情」。`,
  one_by_one: ({ field, has, width }) =>
    `「${nameOf(field)}」：「${has}」長過一句的 ${width} 字，各字分開來用；詞與詞之間請空一格。`,
  left_out: ({ has, more }) => `不算詩句：${counted(has, more)}。`,
  cut: ({ width }) => `沒有標點，斷作每句 ${width} 字。`,
  rare_reading: ({ line, position, has, wanted, times, total, rule }) =>
    `${at({ line, position })}「${has}」讀${wanted}，${total} 處中只有 ${times} 處如此；不然便是${rule}。`,
  stray_last: ({ line, wanted }) =>
    `末句借鄰韻（孤雁出群，一說入群）：第 ${line} 句押${wanted}的鄰韻，後世偶有詩人如此。`,
  suspects: ({ has }) =>
    `出韻：${has.map((one) => one.replace(/ \(line (.*)\)/, (_, line) => `（第 ${line} 句）`)).join("、")}不同韻，錯在哪一字都有可能。`,
  no_form: ({ rhyme }) => `不合任何一體，沒有評判${rhyme ? "：雙句有半數以上不押韻" : ""}。`,
  named: ({ name }) => (name === "古絕" ? "古絕：不拘平仄的絕句。" : "仄韻律絕：押仄韻而用律句。"),
  rescue: ({ line, has }) => `第 ${line} 句救第 ${has} 句（拗救）。`,
  bent: ({ rule, ...place }) => `${rule}：${at(place)}。`,
  rhyme_changes: () => "中途換韻。",
  repeated: ({ has, more }) =>
    `重字：${counted(
      has.map((one) => one.replace(/ \(lines (.*)\)/, (_, lines) => `（第 ${lines.replaceAll(", ", "、")} 句）`)),
      more,
    )}。`,
  unknown: ({ has, more }) => `不知讀音：${counted(has, more)}。`,
  doubtful: ({ has, more }) =>
    `也許是另一字：${counted(
      has.map((one) => one.replaceAll(" or ", "或").replace(" (", "（").replace(")", "）")),
      more,
    )}。`,
};

const RULES = {
  失對: "一聯上下句的第二、四、六字平仄相反。",
  失黏: "後聯上句的第二字與前聯下句的第二字平仄相同。",
  孤平: "「平平仄仄平」的句子，首字（七言第三字）若改仄，第三字（七言第五字）須改平。",
  三平調: "押韻之句不以三個平聲收尾。",
  三仄尾: "不押韻之句不以三個仄聲收尾。",
  特拗: "「平平平仄仄」可作「平平仄平仄」，但首字（七言第三字）須平。",
  大拗: "「仄仄平平仄」的第四字（七言第六字）改仄，須下句第三字（七言第五字）改平來救。",
  小拗: "「仄仄平平仄」的第三字（七言第五字）改仄，須下句第三字（七言第五字）改平來救。",
  仄腳: "不押韻之句須以仄聲收尾。",
  出韻: "近體：雙句同押一個平聲韻部，首句若以平聲收尾，也押此韻。古體：雙句與鄰近的韻腳相押，可平可仄，鄰韻可通。",
  鄰韻: "首句押韻也守本韻；習慣上許借鄰韻。",
  重韻: "一首之中同一字不押兩次。",
  句數: "絕句四句，律詩八句，排律十句以上而成雙。",
  字數: "五言每句五字，七言每句七字。",
};

/** @param {Record<string, any>} bounds */
function within({ least, above, most }) {
  const sides = [
    least != null && `不小於 ${least}`,
    above != null && `大於 ${above}`,
    most != null && `不大於 ${most}`,
  ];
  return sides.filter(Boolean).join("、") || "是一個數";
}

const counted = (has, more) => list(has) + (more ? `等，還有 ${more} 個` : "");

/** The sentence of a table's code in Chinese, or the one that is given. */
function said(table, cause, sentence) {
  if (settings.language !== "zh" || !Object.hasOwn(table, cause?.code ?? "")) return sentence;
  return shown(table[cause.code](cause) ?? sentence);
}

/** How many lines a form has, before how many characters each. */
const linesOf = (form, wanted) => (wanted ? ` ${wanted} 句，` : form.endsWith("排") ? "十句以上，成雙，" : "");

/** What a place needs: a tone, a rhyme, or a character. */
function wantedOf({ wanted, reason }) {
  if ("平仄".includes(wanted)) return `${wanted}聲`;
  return reason?.includes("must rhyme") ? `押${list(wanted)}韻` : `作「${wanted}」`;
}

/** One constraint of those that clash. */
export function clashText(clash) {
  const { field, has, constraint, wanted } = clash;
  if (settings.language !== "zh" || has === undefined) return constraint;
  return shown(
    CLASHES[field]?.(clash) ??
      `「${nameOf(field)}」${at(clash) && `在${at(clash)}`}的「${has}」${wanted ? `（該處須${wantedOf(clash)}）` : ""}`,
  );
}

/** Why something cannot be had: a problem of the server, or what it tells of clashes. */
export function problemText({ cause, detail, title, clashes = [] }) {
  const sentence = detail ?? title;
  if (settings.language !== "zh" || clashes.length === 0 || (cause && cause.code !== "clash"))
    return said(PROBLEMS, cause, sentence);
  const aim = clashes.some(({ field }) => field === "keep") ? "方能改好" : "方能成詩";
  const advice = `須${clashes.length > 1 ? "一併" : ""}捨去，${aim}。`;
  return `${clashes.map(clashText).join("、")}：${shown(advice)}`;
}

/** What a note of the checker says. */
export const remarkText = (remark, sentence) => said(REMARKS, remark, sentence);

/** What a broken rule asks for. */
export const ruleText = ({ rule, definition }) =>
  settings.language === "zh" && RULES[rule] ? shown(RULES[rule]) : definition;

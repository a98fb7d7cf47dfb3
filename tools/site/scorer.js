// Sphinx's own weights, and pages in the language of the search before all others.
const isChinese = name => /\/zh\/|\.zh$/.test(name);
var Scorer = {
  score: ([name, , , , score]) =>
    score + (isChinese(name) === document.documentElement.lang.startsWith("zh") ? 100 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: {0: 15, 1: 5, 2: -5},
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

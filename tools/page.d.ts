// For `npm run types`: what a selector finds may be any element; which one, index.html says.
interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}
interface NonElementParentNode {
  getElementById(id: string): any;
}
interface Document {
  getElementById(id: string): any;
}
interface EventTarget {
  closest(selectors: string): any;
}

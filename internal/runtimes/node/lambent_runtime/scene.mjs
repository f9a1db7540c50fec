// The same for import: what is imported stays, so it is nothing.
export {};

const viewer = (() => ({ start() {}, open() {}, key() { return false; }, frames() { return []; } }))();

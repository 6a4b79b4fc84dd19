const list = (() => ({ start() {} }))();

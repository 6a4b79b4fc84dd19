const pairs = (() => ({ start() {} }))();

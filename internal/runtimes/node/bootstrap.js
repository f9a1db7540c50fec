'use strict';
// The program that Lambent starts.
require('./lambent_runtime/loop').main();

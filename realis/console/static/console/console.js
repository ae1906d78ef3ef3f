// What the console's pages do beyond forms: count down, copy, set times, keep the title true, notice a lost server.
// Every page works without this file.
import { startCountdowns } from "./countdown.js";
import { offerCopying } from "./copying.js";
import { setTimesInPlace } from "./quick_times.js";
import { watchServer } from "./server_watch.js";
import { keepTitle } from "./waiting_title.js";

document.documentElement.dataset.js = "yes";
startCountdowns();
offerCopying();
setTimesInPlace();
watchServer();
keepTitle();

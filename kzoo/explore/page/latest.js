// Tasks that are started more often than they can run.

// Returns a function that runs `task`, never twice at once: calls meanwhile lead to one more run. report: called with
// the error of each run, or null.
export function latest(task, report) {
  let running = false, again = false;
  return async function start() {
    again = true;
    if (running) return;
    running = true;
    while (again) {
      again = false;
      try {
        await task();
        report(null);
      } catch (error) {
        report(error);
      }
    }
    running = false;
  };
}

// Returns a function that shows an error in an element, or hides the element.
export function reporter(element) {
  return (error) => {
    element.hidden = !error;
    element.textContent = error ? error.message : "";
  };
}

"""The console: pages at the URLs the SDK prints, from Jinja templates, without JavaScript.

`source` reads the backend, `views` gathers what a page shows, `text` says values, times and phases in words, and
`pages` answers requests.
"""

from flyte_bridge.embedded.console.pages import Console as Console
from flyte_bridge.embedded.console.source import PageSource as PageSource

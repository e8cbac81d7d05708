"""The console: pages at the URLs that both SDKs print, from Jinja templates, working without JavaScript.

One console for every Flyte 2: it reads and acts through the façade and the client beneath it, whether that is the embedded
backend in this process (`up`) or one over the network with the caller's own credentials (`serve`).

| module | holds |
|---|---|
| `source` | a Flyte 2 as one caller sees it |
| `login` | whose browser is let in |
| `site` | which path is which page |
| `run_pages`, `list_pages`, `act_pages`, `compare_page` | the pages |
| `nodes`, `action_nodes`, `execution_nodes` | a run's nodes, from actions or from Flyte 1's tree |
| `acts` | what a button does |
| `text`, `previews` | values as a person reads them |
"""

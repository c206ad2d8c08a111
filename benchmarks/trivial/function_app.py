"""One function of one queue."""

from __future__ import annotations

import azure.functions as func

app = func.FunctionApp()


@app.queue_trigger(arg_name="message", queue_name="hints", connection="AzureWebJobsStorage")
def hints(message: func.QueueMessage) -> None:
    message.get_body()

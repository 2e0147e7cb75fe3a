"""The work-queue tutorial's sender: persistent messages into a durable queue, each confirmed.

usage: new_task.py PORT FIRST COUNT [QUEUE_TYPE]
"""
import sys

import pika

port, first, count = (int(text) for text in sys.argv[1:4])
kind = sys.argv[4] if len(sys.argv) > 4 else "classic"

connection = pika.BlockingConnection(pika.ConnectionParameters(host="127.0.0.1", port=port))
channel = connection.channel()
channel.queue_declare(queue="task_queue", durable=True, arguments={"x-queue-type": kind})
channel.confirm_delivery()
for number in range(first, first + count):
    channel.basic_publish(
        exchange="",
        routing_key="task_queue",
        body=f"task {number}".encode(),
        properties=pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent),
        mandatory=True,
    )
print(f"sent {count}", flush=True)
connection.close()

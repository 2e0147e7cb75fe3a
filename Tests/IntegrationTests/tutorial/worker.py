"""The work-queue tutorial's worker: one message at a time, acknowledged when its work is done.

usage: worker.py PORT COUNT [QUEUE_TYPE]    takes COUNT messages and ends; prints each
"""
import sys

import pika

port, count = int(sys.argv[1]), int(sys.argv[2])
kind = sys.argv[3] if len(sys.argv) > 3 else "classic"
taken = 0


def callback(ch, method, properties, body):
    global taken
    assert properties.delivery_mode == 2, properties
    print(("again " if method.redelivered else "") + body.decode(), flush=True)
    ch.basic_ack(delivery_tag=method.delivery_tag)
    taken += 1
    if taken == count:
        ch.stop_consuming()


connection = pika.BlockingConnection(pika.ConnectionParameters(host="127.0.0.1", port=port))
channel = connection.channel()
channel.queue_declare(queue="task_queue", durable=True, arguments={"x-queue-type": kind})
channel.basic_qos(prefetch_count=1)
channel.basic_consume(queue="task_queue", on_message_callback=callback)
channel.start_consuming()
left = channel.queue_declare(queue="task_queue", durable=True, passive=True).method.message_count
print(f"left {left}", flush=True)
connection.close()

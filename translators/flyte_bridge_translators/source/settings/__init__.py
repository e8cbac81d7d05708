"""What Flyte 1 sets beside the code: tasks and their environments, resources, images, secrets, launch plans, schedules."""

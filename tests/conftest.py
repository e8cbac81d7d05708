"""What the whole suite shares."""

import hypothesis

# the suite shares its cores with real servers and SDK processes: how long one example takes says nothing
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")

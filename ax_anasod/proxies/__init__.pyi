from ax_anasod.proxies.proxy_config import PROXIES as PROXIES
from ax_anasod.proxies.proxy_config import ProxyConfig as ProxyConfig
from ax_anasod.proxies.proxy_values import Proxies as Proxies
from ax_anasod.proxies.scores import Scores as Scores
